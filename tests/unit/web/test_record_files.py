"""The Files tab of a record: the chosen backup, and the other versions of its files."""

from typing import Any

import pytest

from homes import World
from unit.web.conftest import SignIn
from unit.web.doors import text
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.records.file import file
from unlost.app.actions.records.record_files import record_files
from unlost.model.access import Role
from unlost.model.errors import NotFound, UsageError
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.testing.org import file_cells

TEXT, LINK = WireKind.TEXT, WireKind.REFERENCE
CUSTOMER = "A40017"


def night(world: World) -> None:
    world.clock.advance(days=1)
    backup(world.app, "sales")


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.fixture
def attachment(world: World) -> str:
    """An attachment of a customer that was overwritten with one byte, and backed up again."""
    parent = {"Parent": Reference(("Account",), DeleteRule.CASCADE)}
    kinds = {"Name": TEXT, "Parent": LINK}
    world.org.add_table("Attachment", kinds, references=parent, files=True)
    record = world.org.attach("Attachment", "offer.pdf", b"%PDF offer")
    world.org.update("Attachment", record, {"Parent": CUSTOMER})
    night(world)
    world.org.replace_file("Attachment", record, b"x")
    night(world)
    return record


def first_backup(world: World) -> int:
    """The number of the newest backup but one."""
    oid = next(iter(world.app.vault.orgs()))
    return world.app.vault.snapshots(oid)[-2].number


def test_the_tabs_keep_the_chosen_backup(world: World, attachment: str, sign_in: SignIn) -> None:
    place, at = f"/orgs/sales/records/Attachment/{attachment}/", first_backup(world)
    client = sign_in(Role.VIEWER)
    fields = text(client.get(f"{place}fields/", {"at": str(at)}))
    assert f'href="{place}files/?at={at}"' in fields
    assert f'href="{place}files/"' in text(client.get(place))


def test_the_files_tab_shows_the_file_of_the_chosen_backup(
    world: World, attachment: str, sign_in: SignIn
) -> None:
    at, client = first_backup(world), sign_in(Role.VIEWER)
    page = text(client.get(f"/orgs/sales/records/Attachment/{attachment}/files/?at={at}"))
    link = f"/orgs/sales/files/{attachment}/?at={at}"
    assert link in page
    assert "Other versions" not in page, "newer bytes are no earlier ones"
    assert body(client.get(link)) == b"%PDF offer"
    assert body(client.get(f"/orgs/sales/files/{attachment}/")) == b"x"


@pytest.mark.parametrize("owner", [False, True])
def test_the_files_tab_offers_the_bytes_before_an_attachment_was_overwritten(
    world: World, attachment: str, sign_in: SignIn, *, owner: bool
) -> None:
    table, record = ("Account", CUSTOMER) if owner else ("Attachment", attachment)
    client = sign_in(Role.VIEWER)
    page = text(client.get(f"/orgs/sales/records/{table}/{record}/files/"))
    earlier = page.partition("Other versions of these files")[2]
    link = f"/orgs/sales/files/{attachment}/?table=Attachment&amp;at={first_backup(world)}"
    assert earlier.count("/orgs/sales/files/") == 1
    assert link in earlier
    assert "10&nbsp;B" in earlier or "10 B" in earlier
    assert body(client.get(link.replace("&amp;", "&"))) == b"%PDF offer"


def test_bytes_that_came_back_are_listed_once(world: World, attachment: str) -> None:
    world.org.replace_file("Attachment", attachment, b"%PDF offer")
    night(world)
    files = record_files(world.app, "sales", "Attachment", attachment, at="latest")
    assert [(version.size, version.record) for version in files.versions] == [(1, attachment)]


def test_the_live_record_has_the_files_of_the_newest_backup(world: World, attachment: str) -> None:
    files = record_files(world.app, "sales", "Attachment", attachment, at="live")
    assert files.shown.snapshot is None
    assert [version.size for version in files.versions] == [10]


def test_a_file_is_saved_as_of_a_backup(world: World, attachment: str) -> None:
    old, new = world.home.root / "old.pdf", world.home.root / "new.pdf"
    at = str(first_backup(world))
    assert file(world.app, "sales", attachment, at=at, out=old).size == 10
    assert file(world.app, "sales", attachment, out=new).size == 1
    assert (old.read_bytes(), new.read_bytes()) == (b"%PDF offer", b"x")
    with pytest.raises(UsageError, match="only with backups"):
        file(world.app, "sales", attachment, at="live", out=old)
    with pytest.raises(NotFound):
        file(world.app, "sales", attachment, at="999", out=old)


# --- versions of a document -----------------------------------------------------------------------


def publish(world: World, version: str, content: bytes) -> None:
    cells = {"Name": "contract.pdf", "Of": "D1", **file_cells(content)}
    world.org.create("Bytes", cells, record=version)
    world.org.tables["Bytes"].files[version] = content
    world.org.update("Paper", "D1", {"Current": version})


@pytest.fixture
def contract(world: World) -> str:
    """A document of a customer that got a new version of one byte."""
    org = world.org
    current, of = {"Current": Reference(("Bytes",))}, {"Of": Reference(("Paper",))}
    org.add_table("Paper", {"Name": TEXT, "Current": LINK}, references=current)
    org.add_table("Bytes", {"Name": TEXT, "Of": LINK}, references=of, files=True)
    entity = {
        "Entity": Reference(("Account",), DeleteRule.CASCADE),
        "Paper": Reference(("Paper",)),
    }
    org.add_table("Link", {"Entity": LINK, "Paper": LINK}, references=entity)
    org.create("Paper", {"Name": "contract"}, record="D1")
    org.create("Link", {"Entity": CUSTOMER, "Paper": "D1"}, record="L1")
    publish(world, "B1", b"signed by all")
    night(world)
    publish(world, "B2", b"x")
    night(world)
    return "D1"


@pytest.mark.parametrize(
    ("table", "record"), [("Paper", "D1"), ("Bytes", "B2"), ("Account", CUSTOMER)]
)
def test_the_files_tab_offers_the_earlier_versions_of_a_document(
    world: World, contract: str, sign_in: SignIn, table: str, record: str
) -> None:
    assert contract == "D1"
    client = sign_in(Role.VIEWER)
    page = text(client.get(f"/orgs/sales/records/{table}/{record}/files/"))
    now, _, earlier = page.partition("Other versions of these files")
    assert "/orgs/sales/files/B2/" in now
    assert earlier.count("/orgs/sales/files/") == 1
    link = f"/orgs/sales/files/B1/?table=Bytes&amp;at={first_backup(world) + 1}"
    assert link in earlier
    assert body(client.get(link.replace("&amp;", "&"))) == b"signed by all"


def test_the_files_of_a_document_as_of_a_backup_are_those_of_then(
    world: World, contract: str
) -> None:
    at = str(first_backup(world))
    files = record_files(world.app, "sales", "Paper", contract, at=at)
    assert files.shown.related is not None
    assert [file.record for file in files.shown.related.files] == ["B1"]
    assert files.versions == ()
