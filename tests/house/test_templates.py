"""Templates of messages are literals that translators find, and name arguments that are given."""

from collections.abc import Mapping

from house.templates import SOURCES, Template, all_templates

# Texts that reach a maker finished, or come from a maker above it; all others are literals.
PASSED_ON = {
    "template",
    "next_step",
    "words.template",  # of the table of notes
    "words.next_step",
    "effect",  # of a connector
    "hint.template",  # of the table of sign-in hints
    "hint.next_step",
    "words.private_key_unreadable",  # of a connector
    "words.source_redirects",
    "words.sign_in_not_understood",
    "self.words.sign_in_not_lasting",
}
TABLES = ("NoteText", "OutcomeText", "SignInHint")  # whoever reads the table gives the arguments


def where(template: Template) -> str:
    return f"{template.file.relative_to(SOURCES)}:{template.line}: {template.source}"


def test_each_template_is_a_literal() -> None:
    computed = [t for t in all_templates() if t.text is None and t.source not in PASSED_ON]
    assert [where(template) for template in computed] == []


def test_each_argument_that_a_template_names_is_given() -> None:
    missing: Mapping[str, frozenset[str]] = {
        where(template): template.places - template.given
        for template in all_templates()
        if template.maker not in TABLES
    }
    assert {place: names for place, names in missing.items() if names} == {}


def test_each_text_that_is_passed_on_is_still_passed_on() -> None:
    sources = {template.source for template in all_templates() if template.text is None}
    assert (
        sources >= PASSED_ON - {"hint.template", "hint.next_step"} or PASSED_ON - sources == set()
    )
