"""Ids: of 15 characters or 18, in a wrong case, and what is no id at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.connectors.salesforce.connector import SalesforceConnector
from unlost.connectors.salesforce.ids import CANONICAL_LENGTH, candidates, long_id

# of live orgs, by their public answers
SEEN = ("0015500001QdQWaAAN", "001Da00000xnAk6IAE", "750P0000006HoSfIAK")
SHORT = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=15, max_size=15
)


@pytest.mark.parametrize("known", SEEN)
def test_fifteen_characters_become_eighteen(known: str) -> None:
    assert candidates(known[:15]) == (known,)
    assert candidates(known) == (known,)


@given(SHORT)
def test_the_checksum_brings_back_a_case_that_was_lost(short: str) -> None:
    known = long_id(short)
    for typed in (known.upper(), known.lower(), known.swapcase()):
        found = candidates(typed)
        assert found[0] == typed
        assert known in found
        assert all(len(one) == CANONICAL_LENGTH for one in found)


def test_a_wrong_checksum_is_no_reason_to_find_nothing() -> None:
    assert candidates("0015500001QdQWaAAA") == (
        "0015500001QdQWaAAA",
        "0015500001qdqwaAAA",
        "0015500001QdQWaAAN",
    )
    assert candidates("0015500001QdQWa999") == ("0015500001QdQWa999", "0015500001QdQWaAAN")


@pytest.mark.parametrize(
    "text", ["", "x", "0040017", "0015500001QdQW", "0015500001QdQWaAA", "0015500001QdQW'", "Ä" * 15]
)
def test_what_is_no_id_means_none(text: str) -> None:
    assert candidates(text) == ()


def test_the_connector_says_what_its_ids_look_like() -> None:
    connector = SalesforceConnector()
    assert connector.record_ids(SEEN[0][:15]) == (SEEN[0],)
    assert "15 or 18" in connector.id_form
