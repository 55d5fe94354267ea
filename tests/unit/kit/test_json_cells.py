"""Cells go back into JSON as the source wrote them."""

import msgspec
import pytest

from unlost.kit.json_cells import json_cells, json_value
from unlost.kit.json_to_arrow import batch_of, decode
from unlost.model.source.schema import Column, Table, WireKind

TABLE = Table(
    "order",
    columns=(
        Column("name", WireKind.TEXT),
        Column("amount", WireKind.DECIMAL),
        Column("count", WireKind.INTEGER),
        Column("open", WireKind.BOOLEAN),
    ),
)


@pytest.mark.parametrize(
    ("name", "text", "sent"),
    [
        ("amount", "12345678901234567.890", "12345678901234567.890"),
        ("amount", "-1.5E+3", "-1.5E+3"),
        ("count", "007", '"007"'),
        ("amount", "n/a", '"n/a"'),
        ("open", "TRUE", "true"),
        ("open", "false", "false"),
        ("open", "perhaps", '"perhaps"'),
        ("name", "true", '"true"'),
        ("name", "Zürich\n\t\u2028", '"Zürich\\n\\t\u2028"'),
        ("unknown", "12", '"12"'),
        ("amount", None, "null"),
    ],
)
def test_a_cell_keeps_every_digit_and_letter(name: str, text: str | None, sent: str) -> None:
    assert msgspec.json.encode(json_value(TABLE, name, text)).decode() == sent


def test_a_record_that_was_read_is_sent_as_it_came() -> None:
    body = b'{"name":"A","amount":1.10,"count":12345678901234567890,"open":false}'
    (cells,) = batch_of([decode(body)], [column.name for column in TABLE.columns]).to_pylist()
    assert set(map(type, cells.values())) == {str}
    assert msgspec.json.encode(json_cells(TABLE, cells)) == body
