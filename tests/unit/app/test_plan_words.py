"""Notes of a plan in the words that people know."""

from unlost.app.records.table_words import TableWords
from unlost.app.restores.plan_words import labelled
from unlost.model.message import Message, message
from unlost.model.plan import NoteWeight, PlanNote
from unlost.model.source.schema import Column, ColumnTrait, Schema, Table, WireKind

CONTACT = Table(
    "Contact",
    (
        Column("Name", WireKind.TEXT, "Full name"),
        Column("AccountId", WireKind.REFERENCE, "Customer"),
        Column("Number__c", WireKind.TEXT, "Number", traits=frozenset({ColumnTrait.EXTERNAL_ID})),
    ),
    label="Person",
    plural="People",
    name_column="Name",
)
WORDS = TableWords(Schema((CONTACT,), ""))


def note(template: str, table: str | None = "Contact", **args: object) -> PlanNote:
    return PlanNote.of(
        "x", NoteWeight.WARNING, template, "Check {table}." if table else "", table, **args
    )


def test_tables_and_columns_have_their_labels() -> None:
    named = note("{records} of {table} lose {column}.", column="AccountId", count=2)
    (shown,) = labelled([named], WORDS)
    assert shown.sentence == "2 records of Person lose Customer."
    assert shown.next_step == "Check Person."
    assert (shown.table, shown.column) == ("Contact", "AccountId"), "the names stay"
    assert shown.message.template == named.message.template, "it can be translated"


def test_lists_of_columns_have_labels() -> None:
    more = message("", "{columns} and {more} more", columns="Name, AccountId", more=3)
    (shown,) = labelled([note("Lost: {columns}.", columns=more)], WORDS)
    assert shown.sentence == "Lost: Full name, Customer and 3 more."
    assert isinstance(shown.args["columns"], Message)
    (every,) = labelled([note("Lost: {columns}.", None, columns="Name, Other")], WORDS)
    assert every.sentence == "Lost: Full name, Other."


def test_what_has_no_label_keeps_its_name() -> None:
    (shown,) = labelled([note("{table}: {columns}", "Case", columns="Subject")], WORDS)
    assert shown.sentence == "Case: Subject"
    plain = note("Nothing named.", None)
    assert labelled([plain], WORDS) == (plain,)


def test_labels_follow_the_count() -> None:
    assert [WORDS.label("Contact", count=count) for count in (0, 1, 2)] == [
        "People",
        "Person",
        "People",
    ]
    assert WORDS.label("Case", count=2) == "Case"
