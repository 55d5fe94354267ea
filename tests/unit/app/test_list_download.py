"""Downloads of a list: JSON, and a zip with files, whatever their names and whatever is missing."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO
from zipfile import ZipFile

import msgspec
import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unit.app.test_related import keep_file
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.list_download import (
    ListForm,
    SavedList,
    list_json,
    open_list_zip,
    save_list,
)
from unlost.app.records.lists import files as list_files
from unlost.app.records.lists.downloads import ListView
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.app.records.relations import referring
from unlost.app.records.relations.related import RelatedState
from unlost.app.records.search.query import RecordSearch
from unlost.catalog.people.audit import newest
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.errors import Conflict, IntegrityError, NotAllowed, StoreError, UsageError
from unlost.model.source.schema import Reference, WireKind

CONTACTS = ListQuery(ListKind.RELATED, "Contact", of=f"Account/{CUSTOMER}")
PAPERS = ListQuery(ListKind.RELATED, "Paper", of=f"Account/{CUSTOMER}")
CUSTOMERS = ListQuery(ListKind.RELATED, "Account", of="User/U1")


def with_files(world: World) -> Shop:
    """A customer with a file; two other files refer to the same contact, and have one name."""
    shop = open_shop(world)
    shop.org.add_table(
        "Scan",
        {"Name": WireKind.TEXT, "Of": WireKind.REFERENCE},
        references={"Of": Reference(("Contact",))},
        files=True,
    )
    ann = shop.named("Contact", "Ann")
    for record in ("SCAN1", "scan1"):
        keep_file(shop.org, "Scan", record, record.encode(), Name="../=a\\b.txt", Of=ann)
    shop.night()
    return shop


filling = scene(with_files)


@pytest.fixture
def shop(world: World, filling: Lead) -> Shop:
    shop: Shop = filling(world)
    return shop


def zipped(shop: Shop, query: ListQuery, **view: Any) -> dict[str, bytes]:
    _, pieces = open_list_zip(shop.app, "sales", query, ListView(**view))
    with ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert len(set(map(str.lower, archive.namelist()))) == len(archive.namelist())
        return {name: archive.read(name) for name in archive.namelist()}


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def lines(shop: Shop, query: ListQuery, **view: Any) -> list[dict[str, str | None]]:
    _, pieces = list_json(shop.app, "sales", query, ListView(**view))
    return [msgspec.json.decode(line) for line in b"".join(pieces).splitlines()]


def test_json_has_one_object_a_line_in_the_order_of_the_list(shop: Shop) -> None:
    rows = lines(shop, CONTACTS, columns=("Account",), sort="Name", descending=True)
    assert [row["Name"] for row in rows] == ["Ben", "Ann"]
    assert set(rows[0]) == {"Id", "Name", "Account"}
    assert rows[0]["Account"] == CUSTOMER


def test_json_is_verbatim_and_csv_is_safe_for_spreadsheets(shop: Shop) -> None:
    shop.org.update("Contact", shop.named("Contact", "Ben"), {"Name": "=1+1"})
    shop.night()
    assert "=1+1" in {row["Name"] for row in lines(shop, CONTACTS)}
    assert "'=1+1" in {row["Name"] for row in table(zipped(shop, CONTACTS)["records.csv"])}


def test_a_zip_has_the_files_of_the_records_themselves(shop: Shop) -> None:
    parts = zipped(shop, PAPERS)
    path = f"files/Paper/{shop.paper}-recipe.txt"
    assert set(parts) == {"records.csv", "files.csv", path}
    assert parts[path] == b"cocoa and sugar"
    (row,) = table(parts["files.csv"])
    assert row == {
        "File": path,
        "Belongs to": shop.paper,
        "Table": "Paper",
        "Record": shop.paper,
        "Name": "recipe.txt",
        "Bytes": "15",
    }


def test_a_zip_has_the_files_that_are_attached_to_the_records(shop: Shop) -> None:
    parts = zipped(shop, CUSTOMERS)
    assert b"cocoa and sugar" in parts.values()
    owners = {row["Belongs to"] for row in table(parts["files.csv"])}
    assert owners == {CUSTOMER}


def test_names_of_files_are_safe_and_differ_by_more_than_case(shop: Shop) -> None:
    parts = zipped(shop, CONTACTS)
    paths = sorted(path for path in parts if path.startswith("files/"))
    assert len(paths) == 2
    assert sorted(parts[path] for path in paths) == [b"SCAN1", b"scan1"]
    assert not any(".." in path.split("/") or "\\" in path or "=" in path[:1] for path in paths)
    assert any(path.endswith("_2.txt") for path in paths)
    assert {row["File"] for row in table(parts["files.csv"])} == set(paths)


def test_a_list_without_files_is_a_zip_of_its_csv(shop: Shop) -> None:
    shop.org.delete("Paper", shop.paper)
    shop.night()
    query = ListQuery(ListKind.RELATED, "User", of="User/U1")
    assert set(zipped(shop, query)) == {"records.csv"}


class Damage:
    """A vault of which some contents cannot be read; after ``after`` bytes, if there are any."""

    def __init__(self, vault: Any, error: Exception, *, after: int = 0) -> None:
        self._vault, self._error, self._after = vault, error, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vault, name)

    @contextmanager
    def open_file(self, oid: str, blob: str) -> Iterator[BinaryIO]:
        with self._vault.open_file(oid, blob) as body:
            yield Broken(body, self._error, self._after)  # type: ignore[misc]


class Broken:
    def __init__(self, body: BinaryIO, error: Exception, after: int) -> None:
        self._body, self._error, self._left = body, error, after

    def read(self, size: int) -> bytes:
        if not self._left:
            raise self._error
        piece = self._body.read(min(size, self._left))
        self._left -= len(piece)
        return piece


DAMAGED = IntegrityError("object-damaged", "The object {name} is damaged.", name="pack-1")


@pytest.mark.parametrize("after", [0, 5])
def test_a_damaged_file_is_named_with_the_reason(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    broken = Damage(shop.app.vault, DAMAGED, after=after)
    monkeypatch.setattr(type(shop.app), "vault", property(lambda _: broken))
    parts = zipped(shop, PAPERS)
    (row,) = table(parts["missing.csv"])
    assert (row["Record"], row["Name"]) == (shop.paper, "recipe.txt")
    assert "The object pack-1 is damaged." in row["Reason"]
    assert ("Only the first 5 bytes" in row["Reason"]) == bool(after)
    assert ("files.csv" in parts) == bool(after)


def test_a_store_that_is_away_leaves_no_valid_zip(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Damage(shop.app.vault, StoreError("store-away", "The store is away."))
    monkeypatch.setattr(type(shop.app), "vault", property(lambda _: broken))
    _, pieces = open_list_zip(shop.app, "sales", PAPERS)
    with pytest.raises(StoreError):
        list(pieces)


def test_a_file_that_the_vault_does_not_have_is_named(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = type(shop.app.vault.newest_backup(shop.oid)).files
    monkeypatch.setattr(
        type(shop.app.vault.newest_backup(shop.oid)),
        "files",
        lambda self, table, records: [] if table == "Paper" else real(self, table, records),
    )
    (row,) = table(zipped(shop, PAPERS)["missing.csv"])
    assert (row["Belongs to"], row["Name"]) == (shop.paper, "recipe.txt")
    assert "The vault does not have this file" in row["Reason"]


def test_large_tables_are_named_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_files, "MOST_IDS", 1)
    assert "were searched for files" in zipped(shop, CONTACTS)["missing.csv"].decode()
    monkeypatch.setattr(referring, "MOST_ROWS", 0)
    (row,) = table(zipped(shop, CONTACTS)["missing.csv"])
    assert (row["Table"], row["Reason"]) == ("Scan", list_files.UNSEARCHED)


def test_archived_records_come_with_their_files(shop: Shop) -> None:
    set_writer(shop.app, WRITER)
    policy = ArchivePolicy("old", "Paper", (Condition("Name", Comparison.IS, ("recipe.txt",)),))
    assert shop.run(shop.plan(archive=policy)).whole
    shop.night()
    query = ListQuery(
        ListKind.RELATED, "Paper", of=f"Account/{CUSTOMER}", state=RelatedState.ARCHIVED
    )
    assert b"cocoa and sugar" in zipped(shop, query).values()
    assert b"cocoa and sugar" in zipped(shop, CUSTOMERS).values(), "the file of a live record"


def reader(shop: Shop, role: Role) -> Any:
    return shop.app.acting(Actor(ActorKind.PERSON, "lena", (Grant(role, shop.oid),), person="lena"))


def test_hidden_columns_are_in_no_download(shop: Shop) -> None:
    hide(shop.app, "sales", "Contact.Account")
    lena = reader(shop, Role.VIEWER)
    query = ListQuery(ListKind.MATCHES, "Contact", search=RecordSearch("Ann", table="Contact"))
    assert all("Account" in json.loads(line) for line in _lines(shop.app, query))
    for rows in (
        [msgspec.json.decode(line) for line in b"".join(_lines(lena, query)).splitlines()],
        table(_parts(lena, query)["records.csv"]),
    ):
        assert all("Account" not in row for row in rows)


def _lines(app: Any, query: ListQuery) -> Iterator[bytes]:
    return list_json(app, "sales", query, ListView(columns=("Account",)))[1]


def _parts(app: Any, query: ListQuery) -> dict[str, bytes]:
    _, pieces = open_list_zip(app, "sales", query, ListView(columns=("Account",)))
    with ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_hidden_reference_leads_to_no_file(shop: Shop) -> None:
    hide(shop.app, "sales", "Paper.Account")
    assert not any(
        path.startswith("files/") for path in _parts(reader(shop, Role.VIEWER), CUSTOMERS)
    )


def test_without_the_right_to_read_nothing_is_downloaded(shop: Shop) -> None:
    auditor = reader(shop, Role.AUDITOR)
    for act in (list_json, open_list_zip):
        with pytest.raises(NotAllowed):
            act(auditor, "sales", CONTACTS)


@pytest.mark.parametrize("form", ListForm)
def test_a_list_is_written_to_a_file(shop: Shop, form: ListForm) -> None:
    out = shop.folder / f"list.{form.value}"
    saved = save_list(shop.app, "sales", CONTACTS, form=form, out=out)
    assert saved == SavedList("sales", "Contact", "Contacts", 2, form, str(out))
    assert out.stat().st_size
    with pytest.raises(Conflict):
        save_list(shop.app, "sales", CONTACTS, form=form, out=out)
    vault = shop.app.home.vault
    if vault is not None:
        with pytest.raises(UsageError):
            save_list(shop.app, "sales", CONTACTS, form=form, out=vault / "list")


def test_downloads_are_in_the_audit(shop: Shop) -> None:
    lines(shop, CONTACTS)
    zipped(shop, PAPERS)
    acts = {entry.deed.act: entry.deed.detail for entry in newest(most=5)}
    assert acts["record.list-json"] == {"table": "Contact", "records": 2}
    assert acts["record.list-zip"] == {"table": "Paper", "records": 1}
