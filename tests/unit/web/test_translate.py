"""Messages of the engine on a page in another language."""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import translation
from django.utils.html import conditional_escape

from unit.web.arabic import latin_in
from unlost.app import health
from unlost.engine.backup.proof.verdict import verdict_text
from unlost.engine.restore.planning.notes.predict import WORDS
from unlost.model.errors import UnlostError, database_away
from unlost.model.finding import FindingKind
from unlost.model.message import Message, Noun, counted, joined, message
from unlost.model.plan import PlanNote
from unlost.web import translate as web_words
from unlost.web.forms.connector import ConnectorForm
from unlost.web.translate import error_text, isolated, next_step, sentences, translate, word

AGE = "The newest backup of {org} is {age} old."
STOPPED = "The restore {run} to {org} stopped: {why}"


@pytest.fixture
def _arabic() -> Iterator[None]:
    with translation.override("ar"):
        yield


def test_english_messages_are_unchanged() -> None:
    with translation.override("en-gb"):
        text = message("x", AGE, org="<sales>", age=counted(539, Noun.HOUR))
        assert translate(text) == "The newest backup of <sales> is 539 hours old."
        assert conditional_escape(translate(text)) != translate(text), "templates escape it"
        assert isolated("1.5 MB") == "1.5 MB"


@pytest.mark.usefixtures("_arabic")
def test_a_template_is_translated_and_gets_its_arguments() -> None:
    page = translate(message("x", AGE, org="sales", age=counted(539, Noun.HOUR)))
    assert "539 ساعة" in page
    assert "<bdi>sales</bdi>" in page
    assert latin_in(page) == set()


@pytest.mark.usefixtures("_arabic")
def test_the_name_of_a_table_is_no_word_to_translate() -> None:
    assert word("service") != "service"
    text = "{table} of {org} can no longer be read: {why} The vault keeps its {count:,} records."
    page = translate(message("x", text, table="service", org="sales", why="Away.", count=2))
    assert "<bdi>service</bdi>" in page


@pytest.mark.usefixtures("_arabic")
def test_arguments_are_escaped() -> None:
    page = translate(message("x", STOPPED, run="<b>x</b>", org="sales", why="<script>."))
    assert "<b>" not in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.usefixtures("_arabic")
def test_braces_in_an_argument_stay_as_they_are() -> None:
    page = translate(message("x", STOPPED, run="{org}", org="sales", why="{0.__class__}"))
    assert "{org}" in page
    assert "{0.__class__}" in page


@pytest.mark.usefixtures("_arabic")
def test_a_message_inside_another_is_translated_too() -> None:
    foreign = message("y", "An org's own words.")
    page = translate(message("x", STOPPED, run="run-1", org="sales", why=foreign))
    assert '<bdi dir="ltr" lang="en">An org&#x27;s own words.</bdi>' in page
    why = database_away("away").message
    assert latin_in(translate(message("x", STOPPED, run="r", org="sales", why=why))) == set()


@pytest.mark.usefixtures("_arabic")
def test_a_template_without_words_shows_its_arguments() -> None:
    why = database_away("away").message
    assert latin_in(translate(message("x", "{why}", why=why))) == set()


@pytest.mark.usefixtures("_arabic")
def test_unknown_text_is_marked_as_english() -> None:
    english = '<bdi dir="ltr" lang="en">Of an older version.</bdi>'
    assert translate("Of an older version.") == english
    assert translate(Message("x", "Of an older version.")) == english


@pytest.mark.usefixtures("_arabic")
def test_nothing_is_nothing() -> None:
    assert translate(None) == translate("") == word("") == next_step(None) == ""


@pytest.mark.usefixtures("_arabic")
def test_an_error_and_its_next_step_are_translated() -> None:
    page = error_text(database_away("connection <refused>"))
    assert latin_in(page) == set()
    assert "&lt;refused&gt;" in page
    assert error_text(UnlostError("x", "Why?")) == '<bdi dir="ltr" lang="en">Why?</bdi>'


@pytest.mark.usefixtures("_arabic")
@pytest.mark.parametrize(("files", "gaps"), [(0, 0), (3, 0), (3, 1), (0, 2), (1, 12)])
def test_certificates_are_translated(files: int, gaps: int) -> None:
    line: Any = SimpleNamespace(stored=7420, files=files, file_bytes=3_000_000)
    why = message("x", "The org's own reason.")
    gap: Any = SimpleNamespace(kind=FindingKind.TABLE_UNREADABLE, message=why)
    page = translate(verdict_text([line, line], [gap] * gaps))
    assert latin_in(page) == set()
    assert "14,840 سجل" in page
    assert ('lang="en"' in page) == bool(gaps), "the org's own reason stays English"


@pytest.mark.usefixtures("_arabic")
@pytest.mark.parametrize("code", WORDS, ids=str)
def test_plan_notes_are_translated(code: Any) -> None:
    words = WORDS[code]
    note = PlanNote.of(
        code.value, words.weight, words.template, words.next_step, "Case", "ParentId", 1_200,
        named="1", reason=message("", "the org or the permissions do not allow it."),
    )  # fmt: skip
    for page in (translate(note.message), next_step(note.message)):
        assert not page.startswith('<bdi dir="ltr" lang="en">'), page
        assert latin_in(page) == set()


@pytest.mark.usefixtures("_arabic")
def test_a_number_with_its_unit_keeps_its_direction() -> None:
    assert isolated("1.5 MB") == "\u20661.5 MB\u2069"


@pytest.mark.usefixtures("_arabic")
def test_a_connector_of_others_is_asked_in_english() -> None:
    setting: Any = SimpleNamespace(
        name="planet", label="", help="Which one.", hint=str, default="", required=False,
        several=True, choices=(),
    )  # fmt: skip
    form = ConnectorForm(settings=[setting], secrets=(), values={})
    field = form["planet"]
    assert field.label == '<bdi dir="ltr" lang="en">Planet</bdi>'
    assert str(field.help_text).startswith('<bdi dir="ltr" lang="en">Which one.</bdi> ')
    assert "&lt;" not in form.as_p()


def test_a_choice_that_begins_with_an_abbreviation_keeps_its_capitals() -> None:
    setting: Any = SimpleNamespace(
        name="auth_flow", label="", help="", hint=str, default="", required=True,
        several=False, choices=("client-credentials", "jwt-bearer"),
    )  # fmt: skip
    field = ConnectorForm(settings=[setting], secrets=(), values={}).fields["auth_flow"]
    assert [label for _, label in field.choices] == ["Client credentials", "JWT bearer"]


def test_names_of_health_checks_are_words_of_the_catalog() -> None:
    folder = Path(health.__file__).parent
    trees = [ast.parse(file.read_text("utf-8")) for file in sorted(folder.glob("*.py"))]
    names = {
        node.args[0].value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).startswith("RepairableCheck.")
        and isinstance(node.args[0], ast.Constant)
    }
    assert "shredding" in names
    assert names <= set(web_words.WORDS["checks"])


def test_a_message_that_joins_others_is_taken_apart() -> None:
    first, second = message("x", "One of {org}.", org="sales"), message("x", "Two.")
    whole = message("x", "{changes}", changes=joined("x", [first, second]))
    assert [part.sentence for part in sentences(whole)] == ["One of sales.", "Two."]
    assert sentences(message("x", "Because of {why}", why=first)) != [first], "it has words"
