"""Each verb: what it prints for people, and that its JSON keeps the documented fields."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from terminals import Terminal
from unit.app.test_returns import brought_back
from unit.cli.typed import type_at, with_sales
from unlost.catalog.models import Org
from unlost.cli.exits import ExitCode
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.schema import DeleteRule, Reference, TableTrait, WireKind
from unlost.model.vault.maintenance_results import Compaction, Merged, Sweep
from unlost.model.vault.snapshot import Damage, SnapshotInfo, VerifyLevel, VerifyReport
from unlost.testing.org import MemoryOrg
from unlost.testing.source import MemorySource
from unlost.vault.reader import EncryptedReader

GAP = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Mail is hidden.", "Allow it.")


def live(world: World) -> None:
    """Two nights: a phone is overwritten and a customer deleted between them."""
    with_sales(world)
    org, clock = world.org, world.clock
    org.add_table("Attachment", {"Name": WireKind.TEXT}, files=True)
    org.attach("Attachment", "offer.pdf", b"%PDF offer")
    type_at(world, "backup", "sales")
    clock.advance(hours=20)
    org.update("Account", "A40018", {"Phone": "overwritten"})
    org.delete("Account", "A40017")
    clock.advance(hours=4)
    type_at(world, "backup", "sales")


after_nights = scene(live)


@pytest.fixture
def nights(unlost: Terminal, after_nights: Lead) -> Terminal:
    """Two nights: a phone is overwritten and a customer deleted between them."""
    after_nights(unlost.world)
    return unlost


def test_a_backup_says_what_is_safe(sales: Terminal) -> None:
    ended = sales("backup", "sales")
    assert ended.code == ExitCode.OK
    assert ended.out.startswith("Snapshot 1 of sales is safe.\n")
    assert "  Stored   4 records in 3 tables, 0 files (0 bytes)\n" in ended.out
    assert "  Changes  4 created, 0 changed, 0 deleted\n" in ended.out
    assert ended.err == ""  # no progress where nobody looks


def test_a_backup_with_gaps_ends_with_3_and_says_which(sales: Terminal) -> None:
    sales.world.org.findings = [GAP]
    ended = sales("backup", "sales")
    assert ended.code == ExitCode.FINDINGS
    assert "    - Mail is hidden.\n" in ended.out
    as_json = sales("backup", "sales", "--full", "--json")
    assert as_json.code == ExitCode.FINDINGS
    assert as_json.json["snapshot"] == 2
    assert [finding["kind"] for finding in as_json.json["findings"]] == ["permission-missing"]


@pytest.mark.parametrize(
    ("org", "headline"),
    [
        (lambda org: None, "Snapshot 1 of sales is safe."),
        (lambda org: org.tables.clear(), "Snapshot 1 of sales is complete, but has no records."),
        (lambda org: org.findings.append(GAP), "Snapshot 1 of sales is stored, with 1 open gap."),
        (
            lambda org: (org.tables.clear(), org.findings.append(GAP)),
            "Snapshot 1 of sales has no records, and 1 open gap.",
        ),
    ],
    ids=["whole", "empty", "gaps", "empty-with-gaps"],
)
def test_a_headline_does_not_call_a_backup_safe_that_has_gaps_or_nothing(
    sales: Terminal, org: Callable[[MemoryOrg], object], headline: str
) -> None:
    org(sales.world.org)
    assert sales("backup", "sales").out.splitlines()[0] == headline


def test_snapshots_are_a_table(nights: Terminal) -> None:
    ended = nights("snapshots", "sales")
    lines = ended.out.splitlines()
    assert re.match(r" +1  2026-03-02 01:00 UTC +5 +0 +0 ", lines[1])
    assert re.match(r" +2  2026-03-03 01:00 UTC +1 +1 +1 ", lines[2])
    listed = nights("snapshots", "sales", "--json").json
    assert [night["number"] for night in listed["snapshots"]] == [1, 2]


def test_a_backup_of_the_year_9999_does_not_crash_snapshots(
    nights: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = datetime(9999, 12, 31, 23, 30, tzinfo=UTC)
    snapshots = EncryptedReader.snapshots

    def ahead(vault: EncryptedReader, org: str) -> list[SnapshotInfo]:
        return [replace(info, as_of=end) for info in snapshots(vault, org)]

    monkeypatch.setattr(EncryptedReader, "snapshots", ahead)
    Org.objects.update(zone="Asia/Tokyo")  # where it is the year 10000 by then
    ended = nights("snapshots", "sales")
    assert ended.code == ExitCode.OK
    assert ended.out.count("9999-12-31 23:30 UTC") == 2


def test_no_snapshot_yet(sales: Terminal) -> None:
    assert "No backup yet" in sales("snapshots", "sales").out


def test_a_certificate_prints_the_notes_about_single_tables(
    sales: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemorySource, "count", lambda *_asked: None)
    sales("backup", "sales")
    printed = sales("certificate", "sales").out
    assert "Notes:\n  - The org does not count " in printed
    monkeypatch.setattr("unlost.cli.verbs.backups.certificate.MOST_FINDINGS", 1)
    assert "more; --full prints them." in sales("certificate", "sales").out
    assert "more; --full prints them." not in sales("certificate", "sales", "--full").out


def test_a_certificate_fits_a_screen_and_can_be_had_in_full(nights: Terminal) -> None:
    ended = nights("certificate", "sales")
    assert ended.code == ExitCode.OK
    assert "Certificate of sales, snapshot 2" in ended.out
    assert re.search(r"^Account +2 +2 +1 +1 ", ended.out, re.MULTILINE)
    first = nights("certificate", "sales", "1", "--json").json
    assert first["snapshot"] == 1
    assert first["certificate"]["verdict"] == "complete"
    assert len(first["head"]) == 64


def test_a_long_certificate_is_shortened_with_its_gaps_first(
    sales: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.cli.verbs.backups.certificate.MOST_TABLES", 2)
    monkeypatch.setattr("unlost.cli.verbs.backups.certificate.MOST_FINDINGS", 1)
    org = sales.world.org
    org.findings = [GAP]
    org.add_table("Zebra", {"Name": WireKind.TEXT})
    org.tables["Zebra"].refused = True
    assert sales("backup", "sales").code == ExitCode.FINDINGS
    ended = sales("certificate", "sales")
    assert ended.code == ExitCode.FINDINGS
    tables = ended.out.split("Open (")[0]
    assert "Zebra" in tables
    assert "2 more tables" in tables
    assert "Mail is hidden." in ended.out
    assert "1 more; --full prints them" in ended.out
    full = sales("certificate", "sales", "--full").out
    assert "Zebras could not be read" in full
    assert "more tables" not in full


def test_a_deleted_customer_is_found_by_its_number(nights: Terminal) -> None:
    ended = nights("find", "A40017")
    assert ended.code == ExitCode.OK
    assert "Account Schoko Zürich: deleted on 2026-03-02 21:00 UTC by Ada Admin\n" in ended.out
    assert "  unlost history sales Account/A40017\n" in ended.out
    (hit,) = nights("find", "A40017", "--org", "sales", "--json").json["hits"]
    assert (hit["table"], hit["record"], hit["alive"]) == ("Account", "A40017", False)
    assert hit["gone"]["by_name"] == "Ada Admin"


def test_nothing_found_says_where_it_was_looked_for(nights: Terminal) -> None:
    said = nights("find", "nobody").out
    assert said.startswith("Nothing found for 'nobody' (searched sales).\n")
    assert "sales: newest backup 2026-03-03 01:00 UTC; next " in said
    assert "Only present values were searched" in said


def test_searching_before_the_first_backup_says_why_nothing_is_found(sales: Terminal) -> None:
    assert "there is no backup yet" in sales("find", "nobody").out


def test_history_is_a_timeline(nights: Terminal) -> None:
    ended = nights("history", "sales", "Account/A40018")
    assert ended.out.startswith("Account Cacao Lyon (A40018), alive\n")
    assert "before 2026-03-02 01:00 UTC  First seen\n" in ended.out
    assert "2026-03-02 21:00 UTC  Changed by Ada Admin\n" in ended.out
    assert "    Phone: +41 40018 → overwritten\n" in ended.out
    gone = nights("history", "sales", "Account/A40017")
    assert "(A40017), deleted" in gone.out
    assert "2026-03-02 21:00 UTC  Deleted by Ada Admin\n" in gone.out
    told = nights("history", "sales", "Account/A40017", "--json").json
    assert [entry["kind"] for entry in told["entries"]] == ["created", "deleted"]


def test_what_came_back_is_said_beside_what_was_lost(nights: Terminal) -> None:
    nights.world.org.create("Account", {"Name": "Schoko Zürich"}, record="B1")
    nights.world.clock.advance(days=1)
    assert nights("backup", "sales").code == ExitCode.OK
    brought_back(nights.world, "restore-1", ("A40017", "B1"))
    assert "  Restored as B1\n" in nights("find", "A40017").out
    lost = nights("history", "sales", "Account/A40017").out
    assert "deleted\nRestored as B1 in sales by restore-1\n" in lost
    assert "2026-03-04 01:00 UTC  Restored as B1 by restore-1\n" in lost
    lives = nights("history", "sales", "Account/B1").out
    assert "alive\nRestored from A40017 by restore-1\n" in lives


def test_a_purged_record_is_told_between_two_nights(nights: Terminal) -> None:
    world = nights.world
    world.org.purge("Account", "A40019")
    world.clock.advance(days=1)
    assert nights("backup", "sales").code == ExitCode.OK
    ended = nights("history", "sales", "Account/A40019")
    assert "between 2026-03-03 01:00 UTC and 2026-03-04 01:00 UTC  Deleted for good" in ended.out


def test_a_comparison_counts_tables_then_shows_records(nights: Terminal) -> None:
    ended = nights("compare", "sales", "1", "latest")
    assert re.search(r"^Account +1 +1 *$", ended.out, re.MULTILINE)
    assert "unlost compare sales 1 2 --table Account" in ended.out
    table = nights("compare", "sales", "1", "latest", "--table", "Account")
    assert "A40018 Cacao Lyon: changed\n    Phone: +41 40018 → overwritten\n" in table.out
    assert "A40017 Schoko Zürich: deleted\n" in table.out
    rows = nights("compare", "sales", "1", "2", "--table", "Account", "--json").json["rows"]
    assert [row["change"] for row in rows] == ["deleted", "changed"]
    assert "Phone" in {change["column"] for change in rows[1]["changes"]}


def test_a_long_comparison_is_shortened(nights: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlost.cli.verbs.records.compare.MOST", 1)
    ended = nights("compare", "sales", "1", "2", "--table", "Account")
    assert "… and 1 more record;" in ended.out
    nights.world.clock.advance(hours=1)
    nights.world.org.update("Account", "A40019", {"Phone": "1", "Name": "2", "Number": None})
    monkeypatch.setattr("unlost.cli.verbs.records.compare.FIELDS", 2)
    live = nights("compare", "sales", "live", "latest", "--table", "Account")
    assert "… and 1 more field" in live.out
    assert "the live org" in live.out


def test_nothing_differs_is_said(nights: Terminal) -> None:
    assert "No differences." in nights("compare", "sales", "2", "latest").out
    nights.world.org.tables["Attachment"].refused = True
    ended = nights("compare", "sales", "2", "live")
    assert "Attachment could not be compared" in ended.out
    assert "No other differences." in ended.out


def test_a_record_is_shown_field_by_field(nights: Terminal) -> None:
    ended = nights("show", "sales", "Account/A40017")
    assert ended.out.startswith("Account Schoko Zürich (A40017)\n")
    assert "In snapshot 2, as of 2026-03-03 01:00 UTC: deleted on" in ended.out
    assert "Last changed 2026-03-02 21:00 UTC by Ada Admin" in ended.out
    assert re.search(r"^Owner +Ada Admin \(U1\) *$", ended.out, re.MULTILINE)
    first = nights("show", "sales", "Account/A40017", "--at", "1", "--json").json
    assert (first["alive"], first["values"]["Phone"]) == (True, "+41 40017")
    live = nights("show", "sales", "Account/A40018", "--at", "live")
    assert "In the live org" in live.out


def live_as_family(world: World) -> None:
    """A customer that is deleted with two people and a card; a mail of one of them stays."""
    with_sales(world)
    org, clock = world.org, world.clock
    kinds = {"Name": WireKind.TEXT, "Of": WireKind.REFERENCE}
    owned = {"Of": Reference(("Account", "Person"), DeleteRule.CASCADE)}
    for name in ("Person", "Mail"):
        org.add_table(name, kinds, references=owned)
    org.add_table("Card", kinds, references=owned, files=True)
    for record, name in (("P1", "Ada"), ("P2", "Bea")):
        org.create("Person", {"Name": name, "Of": "A40017"}, record=record)
    org.create("Mail", {"Name": "Hello", "Of": "P1"}, record="M1")
    for number, owner in enumerate(("A40017", "P1")):
        card = org.attach("Card", f"card{number}.pdf", b"%PDF card")
        org.update("Card", card, {"Of": owner})
    type_at(world, "backup", "sales")
    clock.advance(days=1)
    for table, record in (("Account", "A40017"), ("Person", "P1")):
        org.delete(table, record)
    type_at(world, "backup", "sales")


after_family = scene(live_as_family)


@pytest.fixture
def family(unlost: Terminal, after_family: Lead) -> Terminal:
    """A customer that is deleted with two people and a card; a mail of one of them stays."""
    after_family(unlost.world)
    return unlost


def test_what_belonged_to_a_deleted_record_is_shown(family: Terminal) -> None:
    ended = family("show", "sales", "Account/A40017")
    said = "Related, in snapshot 1 (2026-03-02 01:00 UTC, the last with the record alive):"
    assert said in ended.out
    assert re.search(r"^Persons +2 +1 +Ada, Bea *$", ended.out, re.MULTILINE)
    assert re.search(r"^Mails \(by Person\) +1 +Hello *$", ended.out, re.MULTILINE)
    assert "File: card0.pdf (9 bytes)\n  unlost file sales Card/Car" in ended.out
    assert "File: card1.pdf (9 bytes), by Person\n" in ended.out
    at = family("show", "sales", "Account/A40017", "--at", "1")
    assert "Related, in snapshot 1 (2026-03-02 01:00 UTC):" in at.out
    told = family("show", "sales", "Account/A40017", "--json").json["related"]
    assert (told["snapshot"], told["more_files"], told["unsearched"]) == (1, 0, [])
    people = next(one for one in told["tables"] if one["table"] == "Person")
    assert (people["count"], people["lost"], people["through"]) == (2, 1, None)
    ada = {"record": "P1", "name": "Ada", "alive": False, "archived": False}
    assert people["first"][0] == ada


def test_more_than_a_screen_is_counted(family: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlost.cli.verbs.records.show.MOST", 1)
    ended = family("show", "sales", "Account/A40017")
    assert "… and 1 more kind; --json lists all." in ended.out
    assert "… and 1 more file." in ended.out
    assert "Not searched" not in ended.out
    monkeypatch.setattr("unlost.app.records.relations.referring.MOST_ROWS", 1)
    ended = family("show", "sales", "Account/A40017")
    said = "Not searched, because there are too many records: Card, Person."
    assert said in ended.out


def test_a_record_to_which_nothing_refers_says_so(family: Terminal) -> None:
    alone = family("show", "sales", "Account/A40019").out
    assert "No record refers to it in snapshot 2 (2026-03-03 01:00 UTC)." in alone


def test_set_up_data_has_nothing_related(family: Terminal) -> None:
    family.world.org.tables["User"].traits = frozenset({TableTrait.CONFIGURATION})
    assert family("backup", "sales").code == ExitCode.OK
    user = family("show", "sales", "User/U1")
    assert "refers to it" not in user.out
    assert "Related" not in user.out


def test_empty_and_hidden_fields_are_said(nights: Terminal) -> None:
    world = nights.world
    world.org.hide_column("Account", "Phone")
    world.org.update("Account", "A40019", {"Owner": None})
    world.clock.advance(days=1)
    assert nights("backup", "sales").code == ExitCode.FINDINGS
    ended = nights("show", "sales", "Account/A40019")
    assert "Phone (now hidden from the backup user)" in ended.out
    assert "1 empty field not shown" in ended.out


def test_a_file_comes_back(nights: Terminal, tmp_path: Path) -> None:
    record = next(iter(nights.world.org.tables["Attachment"].records))
    out = tmp_path / "offer.pdf"
    ended = nights("file", "sales", f"Attachment/{record}", "--out", str(out))
    assert ended.out.startswith("offer.pdf: 10 bytes in ")
    assert "The checksum of the org matches" in ended.out
    assert out.read_bytes() == b"%PDF offer"
    shown = nights("show", "sales", f"Attachment/{record}")
    assert f"unlost file sales Attachment/{record} --out FILE" in shown.out
    again = nights("file", "sales", f"Attachment/{record}", "--out", str(out), "--json")
    assert again.json["error"]["code"] == "file-exists"


def test_a_file_that_was_overwritten_is_saved_as_of_a_backup(
    nights: Terminal, tmp_path: Path
) -> None:
    org = nights.world.org
    record = next(iter(org.tables["Attachment"].records))
    first = nights("show", "sales", f"Attachment/{record}", "--json").json["snapshot"]
    org.replace_file("Attachment", record, b"x")
    nights.world.clock.advance(days=1)
    nights("backup", "sales")
    shown = nights("show", "sales", f"Attachment/{record}", "--at", str(first))
    assert f"unlost file sales Attachment/{record} --at {first} --out FILE" in shown.out
    out = tmp_path / "offer.pdf"
    words = ("file", "sales", f"Attachment/{record}", "--at", str(first), "--out", str(out))
    assert nights(*words).code == ExitCode.OK
    assert out.read_bytes() == b"%PDF offer"


def test_a_whole_vault_prints_its_heads(nights: Terminal) -> None:
    ended = nights("verify", "--level", "full")
    assert ended.code == ExitCode.OK
    head = nights("verify", "--json").json["heads"]["sales"]
    assert f"Head of sales: {head}" in ended.out
    met = nights("verify", "--expect", head[:12])
    assert (met.code, "contains the expected head" in met.out) == (ExitCode.OK, True)
    missed = nights("verify", "--expect", "f" * 12)
    assert (missed.code, "does NOT contain" in missed.out) == (ExitCode.FAILED, True)


def test_keeping_it_small_says_what_was_done(
    nights: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nights("compact").out.startswith("sales: nothing to merge; its backups take ")
    vault = nights.world.vault
    merged = (Merged("Account", 9, 1, 9_000_000, 1_000_000, 40),)
    monkeypatch.setattr(
        vault, "compact", lambda org, run, pause: Compaction(merged, 12, 9, 9_000_000)
    )
    later = datetime(2026, 3, 10, 1, tzinfo=UTC)
    swept = Sweep(3, 2_000_000, 9, 9_000_000, 0, later, "backup-1")
    monkeypatch.setattr(vault, "sweep", lambda org, run: swept)
    lines = nights("compact", "sales").out.splitlines()
    assert lines[0].startswith("sales: 1 table merged, 9.0 MB became 1.0 MB; its backups take ")
    assert lines[1] == "  3 objects removed: 2.0 MB freed."
    assert lines[2].startswith(
        "  9 objects of 9.0 MB are no longer needed and will be removed after "
    )
    assert lines[2].endswith(", when backup-1 has ended.")
    assert nights("compact", "--json").json["orgs"][0]["snapshot"] == 12
    assert nights("compact", "nobody").code == ExitCode.FAILED


def test_a_home_without_an_org_has_nothing_to_keep_small(unlost: Terminal) -> None:
    assert unlost("compact").out == "There is no org yet.\n"


def test_damage_is_named_and_ends_with_1(nights: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    report = VerifyReport(VerifyLevel.QUICK, 9, 900, {}, (Damage("orgs/x/data/y", "It is gone."),))
    monkeypatch.setattr(nights.world.vault, "verify", lambda level, **_: report)
    ended = nights("verify")
    assert ended.code == ExitCode.FAILED
    assert "  - orgs/x/data/y: It is gone.\n" in ended.out
