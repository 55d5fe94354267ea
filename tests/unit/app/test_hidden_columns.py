"""A column that is hidden from viewers and operators is told to them nowhere."""

import json
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.hidden_columns import hidden, hide
from unlost.app.actions.orgs.hidden_columns import show as unhide
from unlost.app.actions.records.compare import compare
from unlost.app.actions.records.file import file, open_stored
from unlost.app.actions.records.find import find
from unlost.app.actions.records.history import history
from unlost.app.actions.records.show import show
from unlost.app.actions.storage.storage_use import storage_use
from unlost.app.compose import Application
from unlost.app.home.visible_source import WITHOUT_VALUES, VisibleSource
from unlost.catalog.orgs.hidden_columns import hide_column
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotFound, UsageError
from unlost.model.ports.source import Source
from unlost.model.source.schema import WireKind

PHONE, OLD = "+41 40017", "+49 1 secret"
RECORD = "A40017"


@pytest.fixture
def world(world: World) -> World:
    return world


def tell(world: World) -> None:
    """The phone changes twice, once before a night sees it; then the customer is deleted."""
    with_sales(world)
    world.org.add_table("Attachment", {"Name": WireKind.TEXT}, files=True)
    world.org.attach("Attachment", "secret offer.pdf", b"%PDF offer")
    backup(world.app, "sales")
    world.clock.advance(hours=20)
    world.org.update("Account", RECORD, {"Phone": "+49 0 secret"}, by="U1")
    world.clock.advance(hours=1)
    world.org.update("Account", RECORD, {"Phone": OLD, "Name": "Renamed"}, by="U1")
    world.clock.advance(hours=4)
    backup(world.app, "sales")


after_story = scene(tell)


@pytest.fixture
def story(world: World, after_story: Lead) -> World:
    """The phone changes twice, once before a night sees it; then the customer is deleted."""
    after_story(world)
    return world


def viewer(world: World, role: Role = Role.VIEWER) -> Application:
    grant = Grant(role, get_org("sales").oid)
    return world.app.acting(Actor(ActorKind.PERSON, role.value, (grant,)))


def everything(app: Application, world: World) -> str:
    """All that somebody can get to read of the org, as one text."""
    told: list[Any] = [
        find(app, "0040017"),
        find(app, RECORD),
        history(app, "sales", "Account", RECORD),
        show(app, "sales", "Account", RECORD, at="latest"),
        show(app, "sales", "Account", RECORD, at="1"),
        show(app, "sales", "Account", RECORD, at="live"),
        compare(app, "sales", "1", "2", table="Account"),
        compare(app, "sales", "2", "live", table="Account"),
        storage_use(app, "sales"),
    ]
    log = "AccountHistory"
    for row in world.vault.newest_backup(get_org("sales").oid).scan(log).read_all().to_pylist():
        told.append(show(app, "sales", log, row["_u_id"], at="latest"))
        told.append(show(app, "sales", log, row["_u_id"], at="live"))
        told.append(history(app, "sales", log, row["_u_id"]))
    told.append(compare(app, "sales", "1", "2", table=log))
    told.append(compare(app, "sales", "1", "live", table=log))
    return json.dumps(msgspec.to_builtins(told, str_keys=True), default=str, ensure_ascii=False)


def values(text: str) -> list[str]:
    return [value for value in (PHONE, OLD, "+49 0 secret") if value in text]


def test_nobody_is_kept_from_what_is_not_hidden(story: World) -> None:
    assert len(values(everything(viewer(story), story))) == 3


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_a_hidden_column_is_told_nowhere(story: World, role: Role) -> None:
    hide(story.app, "sales", "account.phone")
    app = viewer(story, role)
    text = everything(app, story)
    assert values(text) == []
    assert "Renamed" in text
    assert find(app, "4940017").hits == ()
    assert find(app, PHONE).hits == ()


@pytest.mark.parametrize("role", [Role.RESTORER, Role.ADMIN])
def test_who_restores_sees_it(story: World, role: Role) -> None:
    hide(story.app, "sales", "Account.Phone")
    assert len(values(everything(viewer(story, role), story))) == 3


def test_a_name_that_is_hidden_labels_nothing(story: World) -> None:
    hide(story.app, "sales", "Account.Name")
    text = everything(viewer(story), story)
    assert "Renamed" not in text
    assert "Schoko" not in text
    assert RECORD in text


def test_a_reference_that_is_hidden_is_hidden_in_the_log_too(story: World) -> None:
    story.org.update("Account", RECORD, {"Owner": None}, by="U1")
    hide(story.app, "sales", "Account.Owner")
    backup(story.app, "sales")
    told = history(viewer(story), "sales", "Account", RECORD)
    assert "Owner" not in {field.column for entry in told.entries for field in entry.fields}


def test_bytes_of_a_hidden_file_are_not_given(story: World, tmp_path) -> None:
    (record,) = story.org.tables["Attachment"].records
    with ExitStack() as stack:
        stored, body = open_stored(viewer(story), "sales", record, stack=stack)
        assert (stored.name, body.read()) == ("secret offer.pdf", b"%PDF offer")
    hide(story.app, "sales", "Attachment.Body")
    with pytest.raises(NotFound):
        file(viewer(story), "sales", record, out=tmp_path / "offer.pdf")
    with ExitStack() as stack, pytest.raises(NotFound):
        open_stored(viewer(story), "sales", record, stack=stack)


def test_a_hidden_name_of_a_file_is_not_told(story: World) -> None:
    (record,) = story.org.tables["Attachment"].records
    shape = story.vault.newest_backup(get_org("sales").oid).schema().table("Attachment")
    named = shape.files[0].name_column
    hide(story.app, "sales", f"Attachment.{named}")
    with ExitStack() as stack:
        stored, _ = open_stored(viewer(story), "sales", record, stack=stack)
    assert stored.name == ""


def test_hiding_is_undone(story: World) -> None:
    assert hide(story.app, "sales", "Account.Phone").columns == ("Account.Phone",)
    assert hide(story.app, "sales", "Account.Phone").columns == ("Account.Phone",)
    assert unhide(story.app, "sales", "Account.Phone").columns == ()
    assert len(values(everything(viewer(story), story))) == 3
    with pytest.raises(NotFound):
        unhide(story.app, "sales", "Account.Phone")


@pytest.mark.parametrize(
    ("column", "error"),
    [
        ("Account", UsageError),
        (".Phone", UsageError),
        ("Account.Fax", NotFound),
        ("Account.Id", NotFound),
        ("Acount.Phone", NotFound),
    ],
)
def test_only_a_column_that_is_there_is_hidden(story: World, column: str, error: type) -> None:
    with pytest.raises(error):
        hide(story.app, "sales", column)
    assert hidden(story.app, "sales").columns == ()


def test_what_writes_is_not_given_to_who_sees_less(story: World) -> None:
    hide(story.app, "sales", "Account.Phone")
    vault: Any = viewer(story).vault
    for name in ("begin", "adopt", "journal", "read_files", "homes", "org_vault", "sealed"):
        with pytest.raises(AttributeError):
            getattr(vault, name)


def test_nothing_hidden_costs_nothing(story: World) -> None:
    assert viewer(story).vault is story.app.whole_vault
    hide(story.app, "sales", "Account.Phone")
    assert viewer(story, Role.RESTORER).vault is story.app.whole_vault
    assert viewer(story).vault is not story.app.whole_vault


# --- the org as it is now -------------------------------------------------------------------------


def methods(port: type) -> set[str]:
    return {name for name in vars(port) if not name.startswith("_")}


def pages(source: Any, name: str) -> str:
    """All rows of a table, read in each way, as one text."""
    table = source.discover().table(name)
    ready = [source.prepare(task).tasks for task in source.plan_reads(table, None)]
    read = [page for tasks in ready for task in tasks for page in source.read(task)]
    ids = [one for page in read for one in page.rows.ids.to_pylist()]
    read += source.read_ids(table, ids)
    return repr([page.rows.cells.to_pylist() for page in read if page.rows.cells is not None])


def test_each_method_of_a_source_is_filtered_or_gives_no_value() -> None:
    """A method that is added to the port is refused until it is thought of."""
    filtered = methods(VisibleSource)
    assert filtered == {"discover", "read", "read_ids"}
    assert not filtered & WITHOUT_VALUES
    refused = methods(Source) - filtered - WITHOUT_VALUES
    assert refused == {"cursor_at", "files_in", "open_file", "plan_row_check", "read_together"}


def test_a_source_gives_no_hidden_value(story: World) -> None:
    org = get_org("sales")
    with viewer(story).open_org(org) as source:
        assert OLD in pages(source, "Account")
        assert OLD in pages(source, "AccountHistory")
    hide(story.app, "sales", "Account.Phone")
    with viewer(story).open_org(org) as source:
        assert "Phone" not in repr(source.discover().table("Account"))
        for table in ("Account", "AccountHistory"):
            read = pages(source, table)
            assert values(read) == []
            assert "Renamed" in read
        for name in ("files_in", "open_file", "anything_new"):
            with pytest.raises(AttributeError):
                getattr(source, name)


def test_a_source_gives_no_hidden_column_of_a_table_that_is_described_whole(story: World) -> None:
    org = get_org("sales")
    with story.app.open_org(org) as source:
        whole = source.discover().table("Account")
    hide(story.app, "sales", "Account.Phone")
    with viewer(story).open_org(org) as source:
        (page,) = source.read_ids(whole, [RECORD])
    assert "Phone" not in page.rows.cells.schema.names
    assert page.rows.cells["Name"].to_pylist() == ["Renamed"]


def test_deleted_records_come_without_cells(story: World) -> None:
    hide(story.app, "sales", "Account.Phone")
    story.org.delete("Account", RECORD)
    text = everything(viewer(story), story)
    assert values(text) == []


def test_an_org_without_a_backup_hides_what_its_tables_have(sales: World) -> None:
    oid = get_org("sales").oid
    hide_column(oid, "Account", "Phone")
    with viewer(sales).open_org(get_org("sales")) as source:
        assert "+41" not in pages(source, "Account")
