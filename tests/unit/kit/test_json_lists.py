"""Lists of records: the quick way and the exact one give the same columns."""

import json
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.kit import json_lists
from unlost.kit.http import AnswerTooLarge
from unlost.kit.json_lists import DisplayedBatch, displayed_batch, listed_batch
from unlost.kit.json_to_arrow import MalformedAnswer, batch_of, decode
from unlost.model.errors import TransientError

COLUMNS = ["sys_id", "state", "note"]
STATE = {"display_value": "New", "value": "1"}
CALLER = {"display_value": "Jan", "value": "c1", "link": "https://acme.service-now.com/x"}
NOTHING = {"display_value": "", "value": ""}


def body_of(*records: Any) -> bytes:
    return json.dumps({"result": records}).encode()


def test_texts_become_columns() -> None:
    batch = listed_batch(
        body_of({"sys_id": "a1", "state": "1", "note": "", "more": {"deep": [1]}}, {"note": "007"}),
        COLUMNS,
    )
    assert batch.schema == pa.schema([(name, pa.string()) for name in COLUMNS])
    assert batch.to_pylist() == [
        {"sys_id": "a1", "state": "1", "note": None},
        {"sys_id": None, "state": None, "note": "007"},
    ]


def test_pairs_become_values_and_displays() -> None:
    got = displayed_batch(
        body_of({"sys_id": STATE, "state": CALLER, "note": NOTHING}, {"state": None}), COLUMNS
    )
    assert got.values.to_pylist() == [
        {"sys_id": "1", "state": "c1", "note": None},
        {"sys_id": None, "state": None, "note": None},
    ]
    assert got.displays.to_pylist() == [
        {"sys_id": "New", "state": "Jan", "note": None},
        {"sys_id": None, "state": None, "note": None},
    ]


def test_a_cell_without_a_pair_is_both_of_its_texts() -> None:
    got = displayed_batch(body_of({"state": "", "note": "x", "sys_id": STATE}), COLUMNS)
    assert got.values.to_pylist() == [{"sys_id": "1", "state": None, "note": "x"}]
    assert got.displays.to_pylist() == [{"sys_id": "New", "state": None, "note": "x"}]


def test_empty_text_stays_where_the_source_can_tell_it_from_null() -> None:
    body = body_of({"sys_id": "", "state": None})
    assert listed_batch(body, COLUMNS[:2], empty_is_null=False).to_pylist() == [
        {"sys_id": "", "state": None}
    ]
    pairs = displayed_batch(body_of({"sys_id": NOTHING}), COLUMNS[:1], empty_is_null=False)
    assert pairs.displays.to_pylist() == [{"sys_id": ""}]


def test_no_record_makes_an_empty_batch_with_all_columns() -> None:
    assert listed_batch(b'{"result":[]}', COLUMNS).schema.names == COLUMNS
    got = displayed_batch(b'{"value":[]}', COLUMNS, inside="value")
    assert (got.values.num_rows, got.displays.num_rows) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"result":[{"sys_id":"1"}',
        b'{"result":[{"sys_id":"1"}]} x',
        b'{"result":[{"sys_id":"1"}]}{"result":[{"sys_id":"2"}]}',
        b'{"result":[{"sys_id":"\xff"}]}',
        b'{"result":[{"sys_id":"1"},]}',
        b"<html>",
    ],
)
def test_what_is_not_whole_json_counts_as_cut(body: bytes) -> None:
    for read in (listed_batch, displayed_batch):
        with pytest.raises(TransientError) as caught:
            read(body, COLUMNS)
        assert caught.value.code == "body-cut"


@pytest.mark.parametrize(
    "body",
    [b"[]", b'{"error":{"message":"x"}}', b'{"result":null}', b'{"result":{}}', b'{"result":[1]}',
     b'{"result":[{"sys_id":"1"},null]}', b'"result"'],
)  # fmt: skip
def test_an_answer_without_a_list_of_records_is_malformed(body: bytes) -> None:
    for read in (listed_batch, displayed_batch):
        with pytest.raises(MalformedAnswer, match="GET /table"):
            read(body, COLUMNS, call="GET /table")


def test_a_body_with_more_cells_than_memory_is_refused() -> None:
    body = b'{"result":[' + b",".join([b"{}"] * 1000) + b"]}"
    with mock.patch.object(json_lists, "MOST_CELLS", 2999), pytest.raises(AnswerTooLarge):
        listed_batch(body, COLUMNS)
    braces = body_of({"note": "{" * 2000})
    with mock.patch.object(json_lists, "MOST_CELLS", 2999):
        assert listed_batch(braces, COLUMNS).num_rows == 1


texts = st.text(max_size=6) | st.sampled_from(["", "007", "1.10", '"', "\\", "\x00", "🍫", "null"])
plain = texts | st.none()
nested = st.recursive(
    plain | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
pairs = st.fixed_dictionaries({"value": plain, "display_value": plain}, optional={"link": texts})
names = st.sampled_from([*COLUMNS, "other"])


def lists_of(cells: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.dictionaries(names, cells, max_size=4), max_size=4)


@given(lists_of(plain) | lists_of(nested), st.booleans(), st.booleans())
def test_both_ways_give_the_same_texts(
    records: list[dict[str, Any]], ascii_only: bool, empty: bool
) -> None:
    body = json.dumps({"result": records}, ensure_ascii=ascii_only).encode()
    exact = batch_of(decode(body)["result"], COLUMNS, empty_is_null=empty)
    assert listed_batch(body, COLUMNS, empty_is_null=empty).equals(exact)


@given(lists_of(pairs) | lists_of(pairs | nested), st.booleans())
def test_both_ways_give_the_same_pairs(records: list[dict[str, Any]], empty: bool) -> None:
    body = body_of(*records)

    def read() -> DisplayedBatch:
        return displayed_batch(body, COLUMNS, empty_is_null=empty)

    quick = read()
    with mock.patch.object(json_lists, "_parsed", return_value=None):
        exact = read()
    assert quick.values.equals(exact.values)
    assert quick.displays.equals(exact.displays)


@given(lists_of(plain))
def test_texts_take_the_quick_way(records: list[dict[str, Any]]) -> None:
    with mock.patch.object(json_lists, "decode", side_effect=AssertionError("the slow way")):
        assert listed_batch(body_of(*records), COLUMNS).num_rows == len(records)
