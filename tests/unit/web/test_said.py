"""What the engine says in English, on a page in another language."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import translation
from django.utils.html import conditional_escape

from unit.web.arabic import latin_in
from unlost.engine.backup.certificate import sentence
from unlost.engine.restore.planning.predict import WORDS
from unlost.model.errors import UnlostError, database_away
from unlost.model.finding import FindingKind
from unlost.web.forms.connector import ConnectorForm
from unlost.web.translate import LONGEST, error_text, isolated, translate, word


@pytest.fixture
def _arabic() -> Iterator[None]:
    with translation.override("ar"):
        yield


def test_in_english_nothing_is_touched() -> None:
    with translation.override("en-gb"):
        text = "The newest backup of <sales> is 539 hours old."
        assert translate(text) == text
        assert conditional_escape(translate(text)) != text, "who shows it makes it harmless"
        assert isolated("1.5 MB") == "1.5 MB"


@pytest.mark.usefixtures("_arabic")
def test_a_known_sentence_is_said_with_its_values() -> None:
    page = translate("The newest backup of sales is 539 hours old.")
    assert "539 ساعة" in page
    assert "<bdi>sales</bdi>" in page
    assert latin_in(page) == set()


@pytest.mark.usefixtures("_arabic")
def test_values_are_harmless() -> None:
    page = translate("The backup of <b>x</b> is not complete: <script>.")
    assert "<b>" not in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.usefixtures("_arabic")
def test_a_sentence_inside_another_is_said_too() -> None:
    inner = "No mind knows this."
    page = translate(f"The restore run-1 to sales stopped: {inner}")
    assert f'<bdi dir="ltr" lang="en">{inner}</bdi>' in page
    known = translate("The backup of sales is not complete: The vault cannot be read: no disk")
    assert latin_in(known) == set()


@pytest.mark.usefixtures("_arabic")
@pytest.mark.parametrize(
    "text", ["Nobody said this.", f"{'The vault is damaged: '}{'x' * LONGEST}"]
)
def test_what_is_not_known_is_marked_as_english(text: str) -> None:
    assert translate(text) == f'<bdi dir="ltr" lang="en">{text}</bdi>'


@pytest.mark.usefixtures("_arabic")
def test_nothing_is_nothing() -> None:
    assert translate(None) == translate("") == word("") == ""


@pytest.mark.usefixtures("_arabic")
def test_an_error_tells_what_to_do_next_in_the_same_language() -> None:
    page = error_text(database_away("connection <refused>"))
    assert latin_in(page) == set()
    assert "&lt;refused&gt;" in page
    assert error_text(UnlostError("x", "What?")) == '<bdi dir="ltr" lang="en">What?</bdi>'


@pytest.mark.usefixtures("_arabic")
@pytest.mark.parametrize(("files", "gaps"), [(0, 0), (3, 0), (3, 1), (0, 2), (1, 12)])
def test_certificates_speak(files: int, gaps: int) -> None:
    line: Any = SimpleNamespace(stored=7420, files=files, file_bytes=3_000_000)
    gap: Any = SimpleNamespace(kind=FindingKind.TABLE_UNREADABLE, sentence="Why it is so.")
    page = translate(sentence([line, line], [gap] * gaps))
    assert latin_in(page) == set()
    assert "14,840 سجل" in page
    assert ('lang="en"' in page) == bool(gaps), "the cause is the connector's to say"


@pytest.mark.usefixtures("_arabic")
@pytest.mark.parametrize("remark", WORDS, ids=str)
def test_a_preview_says_in_arabic_what_will_not_come_back(remark: Any) -> None:
    words = WORDS[remark]
    text = words.sentence.format(
        n="1,200 records", table="Case", column="ParentId", reason="they are not yours."
    )
    for one in filter(None, (text, words.next_step)):
        page = translate(one)
        assert not page.startswith('<bdi dir="ltr" lang="en">'), one
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
