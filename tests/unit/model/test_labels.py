"""Values of lists are known to people by their labels."""

import pytest

from unlost.model.source.schema import Column, WireKind


@pytest.mark.parametrize(
    ("kind", "value", "label"),
    [
        (WireKind.TEXT, "h", "Hot"),
        (WireKind.TEXT, "same", ""),
        (WireKind.TEXT, "gone", ""),
        (WireKind.MULTI, "h;same", "Hot, same"),
        (WireKind.MULTI, "same;gone", ""),
    ],
)
def test_a_value_has_a_label_if_it_differs(kind: WireKind, value: str, label: str) -> None:
    column = Column("Rating", kind, choices=("h", "same"), labels=("Hot", "same"))
    assert column.label_of(value) == label


def test_a_column_without_labels_names_nothing() -> None:
    assert Column("Rating", WireKind.TEXT, choices=("h",)).label_of("h") == ""
