"""An org chooses further columns to search; the next backup and maintenance follow."""

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.searched_columns import ColumnSearch, choices, choose, chosen, drop
from unlost.app.actions.records.find import find
from unlost.app.actions.vault.compact import compact
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotAllowed, NotFound, UsageError
from unlost.model.source.schema import WireKind

COLUMN = "Note.Place"


def tell(world: World) -> None:
    """A table whose column ``Place`` no connector marks."""
    with_sales(world)
    world.org.add_table(
        "Note", {"Name": WireKind.TEXT, "Place": WireKind.TEXT, "Day": WireKind.DATE}
    )
    world.org.create("Note", {"Name": "First", "Place": "Wermsdorf"}, record="N1")
    backup(world.app, "sales")
    world.clock.advance(hours=24)


with_notes = scene(tell)


@pytest.fixture
def notes(world: World, with_notes: Lead) -> World:
    with_notes(world)
    return world


def records(world: World, text: str) -> set[str]:
    return {match.record for match in find(world.app, text).hits}


def test_a_chosen_column_finds_new_records_and_after_maintenance_earlier_ones(
    notes: World,
) -> None:
    assert records(notes, "wermsdorf") == set()
    assert choose(notes.app, "sales", "note.place").columns == (COLUMN,)
    notes.org.create("Note", {"Name": "Second", "Place": "Wermsdorf"}, record="N2")
    backup(notes.app, "sales")
    assert records(notes, "wermsdorf") == {"N2"}
    compact(notes.app, "sales")
    assert records(notes, "wermsdorf") == {"N1", "N2"}


def test_a_choice_reads_no_table_again(notes: World) -> None:
    backup(notes.app, "sales")  # every row was compared with its source once
    notes.clock.advance(hours=24)
    choose(notes.app, "sales", COLUMN)
    notes.org.create("Note", {"Name": "Second"}, record="N2")
    assert backup(notes.app, "sales").rows_seen <= 2


def test_a_choice_is_taken_back(notes: World) -> None:
    choose(notes.app, "sales", COLUMN)
    assert drop(notes.app, "sales", COLUMN).columns == ()
    assert chosen(notes.app, "sales").columns == ()
    with pytest.raises(NotFound) as refused:
        drop(notes.app, "sales", COLUMN)
    assert refused.value.code == "column-not-chosen"


def test_columns_that_can_be_chosen(notes: World) -> None:
    choose(notes.app, "sales", COLUMN)
    seen = choices(notes.app, "sales", table="note")
    assert seen.table is not None
    assert seen.table.name == "Note"
    states = {column.name: column.search for column in seen.columns}
    assert states["Place"] is ColumnSearch.CHOSEN
    assert "Day" not in states
    accounts = choices(notes.app, "sales", table="Account")
    states = {column.name: column.search for column in accounts.columns}
    assert states["Name"] is ColumnSearch.ALWAYS
    assert {table.name for table in choices(notes.app, "sales").tables} >= {"Account", "Note"}


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("nonsense", UsageError, "column-unreadable"),
        ("Note.", UsageError, "column-unreadable"),
        ("Nope.Place", NotFound, "table-unknown"),
        ("Note.Nope", NotFound, "column-not-found"),
        ("Note.Day", UsageError, "column-without-words"),
    ],
)
def test_a_text_that_names_no_column_with_words_is_refused(
    notes: World, text: str, kind: type[Exception], code: str
) -> None:
    with pytest.raises(kind) as refused:
        choose(notes.app, "sales", text)
    assert getattr(refused.value, "code", None) == code
    assert chosen(notes.app, "sales").columns == ()


def test_an_org_without_a_backup_has_no_choices(world: World) -> None:
    with_sales(world)
    assert choices(world.app, "sales").tables == ()
    with pytest.raises(UsageError):
        choose(world.app, "sales", COLUMN)


def test_only_admins_choose(notes: World) -> None:
    oid = get_org("sales").oid
    person = Actor(ActorKind.PERSON, "op", (Grant(Role.OPERATOR, oid),))
    with pytest.raises(NotAllowed):
        choose(notes.app.acting(person), "sales", COLUMN)
