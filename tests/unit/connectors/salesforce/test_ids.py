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


@pytest.mark.parametrize(
    "address",
    [
        "https://maison.lightning.force.com/lightning/r/Account/0015500001QdQWaAAN/view",
        "https://maison.lightning.force.com/lightning/r/0015500001QdQWaAAN/view?ws=%2Flightning%2Fn",
        "https://maison.my.salesforce.com/0015500001QdQWa",
        "https://maison.my.salesforce.com/0015500001QdQWaAAN?nooverride=1",
        "https://maison.my.salesforce.com/apex/page?retURL=%2F0015500001QdQWa",
        "https://maison.lightning.force.com/one/one.app#/sObject/0015500001QdQWaAAN/view",
        "salesforce1://sObject/0015500001QdQWaAAN/view",
        "/0015500001QdQWaAAN",
        "\u200b https://maison.my.salesforce.com/\u00ad0015500001QdQWa\ufeff ",
    ],
)
def test_the_address_of_a_page_names_its_record(address: str) -> None:
    assert candidates(address) == ("0015500001QdQWaAAN",)


@pytest.mark.parametrize(
    "address", ["https://0015500001QdQWa.example/", "https://maison.example/lightningconfig", "/"]
)
def test_an_address_without_a_record(address: str) -> None:
    assert candidates(address) == ()


def test_invisible_characters_are_not_part_of_an_id() -> None:
    assert candidates("\u2068 0015500001QdQWaAAN\u200b") == ("0015500001QdQWaAAN",)


def test_the_connector_says_what_its_ids_look_like() -> None:
    connector = SalesforceConnector()
    assert connector.record_ids(SEEN[0][:15]) == (SEEN[0],)
    assert "15 or 18" in connector.id_form
