"""A column that is hidden from viewers is told to them nowhere."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest

from homes import World
from unlost.app.actions.backup import backup
from unlost.app.actions.columns import hidden, hide
from unlost.app.actions.columns import show as unhide
from unlost.app.actions.compare import compare
from unlost.app.actions.file import file, open_stored
from unlost.app.actions.find import find
from unlost.app.actions.history import history
from unlost.app.actions.show import show
from unlost.app.actions.storage_use import storage_use
from unlost.app.compose import Application
from unlost.app.veil import PLAIN_OF_SNAPSHOT, PLAIN_OF_VAULT, VeiledSnapshot, VeiledVault
from unlost.catalog.orgs import get_org
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotFound, UsageError
from unlost.model.ports import Snapshot, Vault
from unlost.model.schema import WireKind
from unlost.vault.vault import EncryptedVault

PHONE, OLD = "+41 40017", "+49 1 secret"
RECORD = "A40017"


@pytest.fixture
def world(world: World) -> World:
    return world


@pytest.fixture
def story(sales: World) -> World:
    """The phone changes twice, once before a night sees it; then the customer is deleted."""
    sales.org.add_table("Attachment", {"Name": WireKind.TEXT}, files=True)
    sales.org.attach("Attachment", "secret offer.pdf", b"%PDF offer")
    backup(sales.app, "sales")
    sales.clock.advance(hours=20)
    sales.org.update("Account", RECORD, {"Phone": "+49 0 secret"}, by="U1")
    sales.clock.advance(hours=1)
    sales.org.update("Account", RECORD, {"Phone": OLD, "Name": "Renamed"}, by="U1")
    sales.clock.advance(hours=4)
    backup(sales.app, "sales")
    return sales


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
    for row in world.vault.head(get_org("sales").oid).scan(log).read_all().to_pylist():
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
    shape = story.vault.head(get_org("sales").oid).schema().table("Attachment")
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


def ports(port: type) -> Iterator[str]:
    return (name for name in vars(port) if not name.startswith("_"))


def test_each_way_to_read_is_veiled_or_tells_no_value() -> None:
    """A new method of a port must be thought of: it is refused until it is."""
    for port, veiled, plain in (
        (Vault, VeiledVault, PLAIN_OF_VAULT),
        (Snapshot, VeiledSnapshot, PLAIN_OF_SNAPSHOT),
    ):
        own = {name for name in vars(veiled) if not name.startswith("_")}
        assert not own & plain
        refused = set(ports(port)) - own - plain
        assert refused <= {"adopt", "begin", "journal", "read_files"}


def test_what_writes_is_not_given_to_who_sees_less(story: World) -> None:
    hide(story.app, "sales", "Account.Phone")
    vault: Any = viewer(story).vault
    assert not isinstance(vault, EncryptedVault)
    for name in ("begin", "adopt", "journal", "read_files"):
        with pytest.raises(AttributeError):
            getattr(vault, name)
