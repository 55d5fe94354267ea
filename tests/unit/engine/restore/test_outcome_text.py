"""Texts of outcomes: found again by their sentences, and foreign ones left alone."""

from string import Formatter

import pytest

from unlost.engine.restore.values.outcome_text import (
    TEXTS,
    OutcomeText,
    outcome_message,
    outcome_of,
)
from unlost.model.plan import RecordKey

KEY = RecordKey("Case", "500A")


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.template[:40])
def test_a_stored_sentence_finds_its_template(text: OutcomeText) -> None:
    sentence = outcome_of(text, KEY).sentence
    assert "Case/500A" in sentence
    assert outcome_message(text.code, KEY, sentence).template == text.template
    assert {name for _, name, _, _ in Formatter().parse(text.template) if name} == {"record"}


@pytest.mark.parametrize("code", ["archive-gone", "write-refused"])
def test_a_sentence_of_the_org_stays_as_it_is(code: str) -> None:
    known = outcome_message(code, KEY, "{insufficient access}")
    assert (known.sentence, known.template) == ("{insufficient access}", "")


def test_the_sentence_of_another_record_has_no_template() -> None:
    (text,) = [text for text in TEXTS if text.code == "archive-gone"]
    other = outcome_of(text, RecordKey("Case", "500B")).sentence
    assert outcome_message("archive-gone", KEY, other).template == ""
