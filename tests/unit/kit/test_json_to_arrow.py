from typing import Literal

import msgspec
import pytest

from unlost.kit.http import HttpAnswer
from unlost.kit.json_to_arrow import MalformedAnswer, batch_of, decode, read_as, text_of
from unlost.model.errors import TransientError

BODY = rb"""[
 {"Id": "1", "Amount": 50000.00, "Big": 123456789012345678901234567890, "Flag": true,
  "Exp": 1.0E7, "Neg": -0.10, "Text": "a\u0000\ud83c\udf6b\n", "Empty": "", "Null": null,
  "Nested": {"b": [1.50, {"c": 2.0E-3}], "a": "x", "n": null, "t": false}},
 {"Id": "2", "Amount": 7, "Flag": false, "Text": "007", "Nested": [1, "zwei", 3.10]}
]"""
COLUMNS = ["Id", "Amount", "Big", "Flag", "Exp", "Neg", "Text", "Empty", "Null", "Nested", "None"]


def test_no_digit_is_lost() -> None:
    batch = batch_of(decode(BODY), COLUMNS)
    assert batch.schema.names == COLUMNS
    assert batch.to_pylist() == [
        {
            "Id": "1", "Amount": "50000.00", "Big": "123456789012345678901234567890",
            "Flag": "true", "Exp": "1.0E7", "Neg": "-0.10", "Text": "a\x00🍫\n", "Empty": None,
            "Null": None,
            "Nested": '{"b":[1.50,{"c":2.0E-3}],"a":"x","n":null,"t":false}', "None": None,
        },
        {
            "Id": "2", "Amount": "7", "Big": None, "Flag": "false", "Exp": None, "Neg": None,
            "Text": "007", "Empty": None, "Null": None, "Nested": '[1,"zwei",3.10]', "None": None,
        },
    ]  # fmt: skip


def test_empty_text_stays_where_the_source_can_tell_it_from_null() -> None:
    batch = batch_of([{"A": ""}, {"A": None}], ["A"], empty_is_null=False)
    assert batch.column("A").to_pylist() == ["", None]


def test_no_records_make_an_empty_batch_with_all_columns() -> None:
    batch = batch_of([], ["A", "B"])
    assert batch.num_rows == 0
    assert batch.schema.names == ["A", "B"]


@pytest.mark.parametrize("body", [b"", b'{"a":', b"<html>", b'"\xff"'])
def test_what_is_not_whole_json_counts_as_cut(body: bytes) -> None:
    with pytest.raises(TransientError) as caught:
        decode(body)
    assert caught.value.code == "body-cut"


def test_single_values_have_texts() -> None:
    assert [text_of(value) for value in (None, "x", True, 3, {"a": 1})] == [
        None, "x", "true", "3", '{"a":1}',
    ]  # fmt: skip


def test_a_reader_of_answers_names_the_call_whose_answer_has_another_form() -> None:
    read = read_as(dict[str, int])
    assert read(HttpAnswer(200, {}, b'{"count":3}', "GET /count")) == {"count": 3}
    with pytest.raises(MalformedAnswer, match="GET /count"):
        read(HttpAnswer(200, {}, b'{"count":"3"}', "GET /count"))
    with pytest.raises(TransientError):
        read(HttpAnswer(200, {}, b'{"count":', "GET /count"))


def test_an_error_does_not_quote_a_long_answer() -> None:
    body = msgspec.json.encode({"state": "9" * 5_000})
    with pytest.raises(MalformedAnswer) as caught:
        decode(body, dict[str, Literal["done"]], call="GET /jobs")
    assert len(caught.value.sentence) < 500
