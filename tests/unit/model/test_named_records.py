"""The records that one cell of a reference names."""

from unlost.model.named_records import (
    NameInCell,
    named_records,
    names_ids,
    possible_keys,
    read_columns,
    rewritten,
    tables_named,
    texts_of,
)
from unlost.model.plan import RecordKey
from unlost.model.source.schema import Column, Reference, Table, TableFamily, WireKind

PLAIN = Reference(("Account", "Contact"))
NAMED = Reference(
    ("Incident", "Problem"),
    table_column="Kind",
    families=(TableFamily("Work", ("Incident", "Problem")),),
)
KEYED = Reference(("User",), key_column="Login")
LISTED = Reference(("User",), separator=",")


def column(reference: Reference | None, name: str = "Ref") -> Column:
    return Column(name, WireKind.REFERENCE, reference=reference)


def test_a_plain_id_may_be_in_each_table() -> None:
    named = named_records(column(PLAIN), {"Ref": "1"})
    assert named == (NameInCell(("Account", "Contact"), "1"),)
    keys = [*possible_keys(column(PLAIN), {"Ref": "1"})]
    assert keys == [RecordKey("Account", "1"), RecordKey("Contact", "1")]


def test_an_empty_cell_names_nothing() -> None:
    for reference in (PLAIN, NAMED, KEYED, LISTED):
        for cell in (None, ""):
            assert named_records(column(reference), {"Ref": cell}) == ()
        assert named_records(column(reference), {}) == ()


def test_a_column_without_a_reference_names_nothing() -> None:
    assert named_records(column(None), {"Ref": "1"}) == ()
    assert [*possible_keys(column(None), {"Ref": "1"})] == []
    assert not names_ids(column(None))
    assert not names_ids(None)


def test_a_row_names_the_table_of_its_record() -> None:
    assert [*possible_keys(column(NAMED), {"Ref": "1", "Kind": "Problem"})] == [
        RecordKey("Problem", "1")
    ]


def test_a_family_stands_for_its_tables_and_an_unknown_name_for_itself() -> None:
    assert tables_named(NAMED, "Work") == ("Incident", "Problem")
    assert tables_named(NAMED, "Elsewhere") == ("Elsewhere",)
    assert tables_named(NAMED, None) == tables_named(NAMED, "") == NAMED.tables
    assert tables_named(PLAIN, "Account") == PLAIN.tables


def test_a_key_is_no_id() -> None:
    assert named_records(column(KEYED), {"Ref": "ann"}) == (NameInCell(("User",), "ann"),)
    assert [*possible_keys(column(KEYED), {"Ref": "ann"})] == []
    assert not names_ids(column(KEYED))
    assert rewritten(KEYED, "ann", str.upper) == "ann"


def test_a_list_names_each_of_its_parts() -> None:
    assert texts_of(LISTED, "a,,b,") == ("a", "b")
    assert [*possible_keys(column(LISTED), {"Ref": "a,b"})] == [
        RecordKey("User", "a"),
        RecordKey("User", "b"),
    ]
    assert rewritten(LISTED, "a,,b,", str.upper) == "A,,B,"
    assert rewritten(PLAIN, "a,b", str.upper) == "A,B"


def test_the_kinds_of_references() -> None:
    assert (PLAIN.holds_one_id, PLAIN.is_plain) == (True, True)
    assert (NAMED.holds_one_id, NAMED.is_plain) == (True, False)
    assert not (KEYED.holds_one_id)
    assert not (LISTED.holds_one_id)
    assert not (LISTED.is_plain)


def test_the_column_that_names_the_table_is_read_if_the_user_may_see_it() -> None:
    columns = (column(NAMED), column(PLAIN, "Other"))
    kind = Column("Kind", WireKind.TEXT)
    assert read_columns(Table("Note", (*columns, kind)), columns) == ("Ref", "Kind", "Other")
    assert read_columns(Table("Note", columns), columns) == ("Ref", "Other")
