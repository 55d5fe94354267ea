"""What a person may read of themselves: all that was kept of them, and nothing else."""

import csv
import json
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from homes import World
from unit.app.test_hidden_columns import viewer
from unit.app.test_related import CUSTOMER, at_work, company
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.people.audit import list_events
from unlost.app.actions.records.export import check_outside
from unlost.app.actions.retention.erase import ErasureRequest, erase, plan
from unlost.app.actions.retention.privacy import (
    PersonData,
    PersonRequest,
    export_person,
    open_person,
)
from unlost.app.compose import Application
from unlost.app.records.relations import person as module
from unlost.app.records.relations import referring
from unlost.catalog.orgs.orgs import get_org
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.source.schema import WireKind
from unlost.model.storage import MailRule
from unlost.model.vault.snapshot import CommitKind, Lineage, TableCommit

assert at_work  # a fixture
assert company  # a fixture
WISH = PersonRequest((f"Account/{CUSTOMER}",))
WHOLE = PersonRequest((f"Account/{CUSTOMER}",), related=True)


def opened(app: Application, wish: PersonRequest = WISH) -> tuple[PersonData, ZipFile]:
    told, pieces = open_person(app, "sales", wish)
    return told, ZipFile(BytesIO(b"".join(pieces)))


def lines(archive: ZipFile, table: str) -> list[dict[str, str]]:
    with archive.open(f"tables/{table}.csv") as file:
        return list(csv.DictReader(TextIOWrapper(file, "utf-8-sig")))


def records(archive: ZipFile, table: str) -> dict[str, Any]:
    told = json.loads(archive.read(f"tables/{table}.json"))
    assert told["table"] == table
    return {one["id"]: one["versions"] for one in told["records"]}


def page(archive: ZipFile) -> str:
    return archive.read("index.html").decode()


def test_a_record_comes_with_all_that_it_was_and_who_changed_it(year: World) -> None:
    told, archive = opened(year.app)
    assert archive.testzip() is None
    (account, log) = told.tables
    assert (account.table, account.records, log.table) == ("Account", 1, "AccountHistory")
    assert (told.files, told.unknown, told.records) == (0, 0, 1 + log.records)
    (versions,) = records(archive, "Account").values()
    assert [one["values"]["Phone"] for one in versions] == [f"+41 {n}" for n in range(1, 11)]
    assert {one["state"] for one in versions} == {"present"}
    table = lines(archive, "Account")
    assert [one["Phone"] for one in table] == [f"'+41 {n}" for n in range(1, 11)]
    assert {one["(record)"] for one in table} == {CUSTOMER}
    assert table[-1]["(seen at)"] == versions[-1]["seen_at"]
    text = page(archive)
    assert "in the backups of sales" in text
    assert '<td dir="auto">+41 9</td><td dir="auto">+41 10</td>' in text
    assert "A40019" not in text


def test_who_changed_it_is_named(sales: World) -> None:
    backup(sales.app, "sales")
    sales.clock.advance(days=1)
    sales.org.update("Account", CUSTOMER, {"Name": "<b>New & old</b>"}, by="U1")
    backup(sales.app, "sales")
    sales.clock.advance(days=1)
    sales.org.delete("Account", CUSTOMER)
    backup(sales.app, "sales")
    _, archive = opened(sales.app)
    first, second, last = records(archive, "Account")[CUSTOMER]
    assert second["changed_by_name"] == "Ada Admin"
    assert last["state"] != "present"
    table = lines(archive, "Account")
    assert [one["(changed by)"] for one in table][1] == "Ada Admin"
    text = page(archive)
    assert " by Ada Admin, seen " in text
    assert "&lt;b&gt;New &amp; old&lt;/b&gt;" in text
    assert "<b>New" not in text
    assert "Last values" in text
    assert first["values"]["Name"] == "Schoko Zürich"


def test_a_column_that_the_org_has_no_more_is_in_it(sales: World) -> None:
    backup(sales.app, "sales")
    del sales.org.tables["Account"].columns["Phone"]
    sales.clock.advance(days=1)
    sales.org.update("Account", CUSTOMER, {"Name": "Other"})
    backup(sales.app, "sales")
    _, archive = opened(sales.app)
    assert "+41 40017" in page(archive)
    assert lines(archive, "Account")[0]["Phone"] == "'+41 40017"


def test_related_brings_details_mails_and_files(
    company: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = MailRule("Name", "Writer", "Writer", "Name")
    monkeypatch.setattr(company.connector, "mail_rules", lambda _schema: {"Mail": rule})
    told, archive = opened(company.app)
    assert [one.table for one in told.tables][:1] == ["Account"]
    assert told.files == 0
    told, archive = opened(company.app, WHOLE)
    counts = {one.table: one.records for one in told.tables}
    assert counts["Person"] == 2
    assert counts["Mail"] == 2, "they hang on a case of the customer"
    assert counts["Link"] == 2
    assert "User" not in counts
    assert "P9" not in page(archive)
    files = {name for name in archive.namelist() if name.startswith("files/")}
    assert files == {
        "files/Attachment/F1-invoice.pdf",
        "files/Attachment/F2-card.txt",
        "files/Bytes/B1-offer.pdf",
        "files/Bytes/B2-offer.pdf",
        "files/Bytes/B3-photo.png",
    }
    assert archive.read("files/Attachment/F1-invoice.pdf") == b"invoice"
    assert (told.files, told.file_bytes) == (len(files), 7 + 4 + 3 + 5 + 5)
    assert "files/Attachment/F1-invoice.pdf" in page(archive)


def test_what_was_deleted_belongs_to_the_person_still(
    company: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = MailRule("Name", "Writer", "Writer", "Name")
    monkeypatch.setattr(company.connector, "mail_rules", lambda _schema: {"Mail": rule})
    for table, record in (("Mail", "M1"), ("Bytes", "B2"), ("Link", "L1"), ("Attachment", "F1")):
        company.org.delete(table, record)
    company.clock.advance(days=1)
    backup(company.app, "sales")
    told, archive = opened(company.app, WHOLE)
    assert {"M0", "M1"} == set(records(archive, "Mail"))
    assert "files/Attachment/F1-invoice.pdf" in archive.namelist()
    assert archive.read("files/Bytes/B2-offer.pdf") == b"newer"
    assert told.unsearched == ()


def test_tables_that_are_too_large_are_named(
    company: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referring, "MOST_ROWS", 1)
    told, archive = opened(company.app, WHOLE)
    assert "Case" in told.unsearched
    assert "too large to be searched" in page(archive)


def test_set_up_data_has_nothing_around_it(company: World) -> None:
    told, _ = opened(company.app, PersonRequest(("User/U1",), related=True))
    assert {one.table for one in told.tables} == {"User"}


def test_all_versions_of_a_file_are_in_it(company: World) -> None:
    _, archive = opened(company.app, PersonRequest(("Case/C1",), related=True))
    assert "files/Bytes/B3-photo.png" in archive.namelist()
    _, archive = opened(company.app, PersonRequest(("Link/L1",), related=True))
    former = [archive.read(f"files/Bytes/{one}-offer.pdf") for one in ("B1", "B2")]
    assert former == [b"old", b"newer"]


def test_a_file_record_has_its_file(company: World) -> None:
    told, archive = opened(company.app, PersonRequest(("Attachment/F2",)))
    assert archive.read("files/Attachment/F2-card.txt") == b"card"
    assert told.files == 1


def test_a_link_that_is_named_leads_to_its_file(company: World) -> None:
    _, archive = opened(company.app, PersonRequest(("Link/L2",), related=True))
    assert "files/Bytes/B3-photo.png" in archive.namelist()


def test_what_it_came_back_as_is_the_same_person(year: World) -> None:
    oid = get_org("sales").oid
    identity = year.app.vault.orgs()[oid]
    open_commit = year.app.whole_vault.begin(
        oid, run="restore-x", kind=CommitKind.RESTORE, identity=identity
    )
    added = open_commit.lineage([Lineage("Account", "A40018", "A40019", oid, "restore-x")])
    open_commit.finish([TableCommit("$lineage", (added,))], as_of=year.clock.now())
    for one in ("A40018", "A40019"):
        _, archive = opened(year.app, PersonRequest((f"Account/{one}",)))
        assert set(records(archive, "Account")) == {"A40018", "A40019"}


def test_a_mistyped_table_is_told(year: World) -> None:
    with pytest.raises(NotFound, match="no table 'Acount'") as unknown:
        opened(year.app, PersonRequest((f"Acount/{CUSTOMER}",)))
    assert unknown.value.next_step.startswith("Did you mean Account")


def test_what_was_erased_is_not_in_it(year: World) -> None:
    wished = ErasureRequest((f"Account/{CUSTOMER}",))
    erase(year.app, "sales", wished, plan=plan(year.app, "sales", wished).digest)
    year.clock.advance(days=1)
    backup(year.app, "sales")
    with pytest.raises(NotFound) as nothing:
        opened(year.app)
    assert nothing.value.code == "person-not-held"
    told, archive = opened(year.app, PersonRequest((f"Account/{CUSTOMER}", "Account/A40019")))
    assert told.unknown == 1
    assert "The backups have no data of 1 requested record." in page(archive)
    assert CUSTOMER not in page(archive)


def test_hidden_columns_are_not_in_a_viewers_archive(year: World) -> None:
    hide(year.app, "sales", "Account.Phone")
    _, archive = opened(viewer(year))
    whole = b"".join(archive.read(name) for name in archive.namelist())
    assert b"+41 " not in whole
    assert b"Schoko" in whole
    _, archive = opened(year.app)
    assert "+41 10" in page(archive)


def test_it_is_written_beside_nothing_that_is_there(year: World, tmp_path: Path) -> None:
    out = tmp_path / "ada.zip"
    told = export_person(year.app, "sales", WISH, out=out)
    assert (told.out, told.org) == (str(out), "sales")
    assert out.stat().st_mode & 0o777 == 0o600  # it is in clear text
    assert ZipFile(out).testzip() is None
    with pytest.raises(Conflict):
        export_person(year.app, "sales", WISH, out=out)
    with pytest.raises(NotFound):
        export_person(year.app, "sales", PersonRequest(("Account/none",)), out=tmp_path / "b.zip")
    assert sorted(one.name for one in tmp_path.glob("*.zip")) == ["ada.zip"]
    (deed, *_) = [one.deed for one in list_events(year.app).entries if one.deed.outcome == "done"]
    assert (deed.act, deed.detail["tables"]["Account"]) == ("privacy.export", 1)
    assert deed.detail["records"] == list(WISH.records)
    assert "Schoko" not in repr(deed)


def test_it_is_not_written_into_the_vault(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        check_outside(tmp_path / "x.zip", vault=tmp_path)
    assert refused.value.code == "export-in-vault"


def test_more_than_a_persons_is_refused(year: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    with pytest.raises(UsageError) as refused:
        opened(year.app)
    assert refused.value.code == "person-too-large"


def test_before_the_first_backup_there_is_nothing(sales: World) -> None:
    with pytest.raises(NotFound) as nothing:
        opened(sales.app)
    assert nothing.value.code == "no-backup-yet"


def test_the_vault_is_read_where_no_connector_is_installed(
    company: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "connector_of", lambda *_: None)
    told, _ = opened(company.app, WHOLE)
    assert "Mail" not in {one.table for one in told.tables}


def test_a_table_that_the_org_has_no_more_is_in_it(sales: World) -> None:
    sales.org.add_table("Old", {"Name": WireKind.TEXT})
    sales.org.create("Old", {"Name": "Kept"}, record="O1")
    backup(sales.app, "sales")
    del sales.org.tables["Old"]
    sales.clock.advance(days=1)
    backup(sales.app, "sales")
    _, archive = opened(sales.app, PersonRequest(("Old/O1",), related=True))
    assert "Kept" in page(archive)
