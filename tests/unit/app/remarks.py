"""A customer about whom people wrote remarks."""

from homes import World
from scenes import with_sales
from unlost.app.actions.backups.backup import backup
from unlost.model.source.schema import Remarks, WireKind

KINDS = (("comments", "Comment"), ("notes", "Work note"))


def with_remarks(world: World) -> None:
    """Ada writes a note, changes the phone number, and Ben answers; then all of it is backed up."""
    org = world.org
    org.add_table(
        "Journal",
        dict.fromkeys(("record", "kind", "text", "at", "author"), WireKind.TEXT),
    )
    org.tables["Account"].remarks = Remarks(
        "Journal", "record", "kind", "text", "at", "author", KINDS
    )
    with_sales(world)
    backup(world.app, "sales")
    world.clock.advance(hours=1)
    write(world, "J1", "notes", "Called back.", by="U1")
    world.clock.advance(hours=1)
    org.update("Account", "A40017", {"Phone": "+41 1"}, by="U1")
    world.clock.advance(hours=1)
    write(world, "J2", "comments", "Thank you!\nBen", by="U2")
    write(world, "J3", "odd", "Another kind", by="U2")
    write(world, "J4", "comments", "", by="U2")
    write(world, "J5", "comments", "Of another record", by="U2", record="A40018")
    backup(world.app, "sales")


def write(
    world: World, name: str, kind: str, text: str, *, by: str, record: str = "A40017"
) -> None:
    at = world.clock.now().isoformat()
    cells = {"record": record, "kind": kind, "text": text or None, "at": at, "author": by}
    world.org.create("Journal", cells, record=name)
