"""What people ask of the vault: snapshots, certificate, find, history, show, file, verify."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.certificate import certificate
from unlost.app.actions.backups.snapshots import snapshots
from unlost.app.actions.records.file import file
from unlost.app.actions.records.find import find
from unlost.app.actions.records.history import history
from unlost.app.actions.records.lost import lost
from unlost.app.actions.records.show import show
from unlost.app.actions.vault.verify import verify
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.records.history import EventKind, Origin
from unlost.model.errors import Conflict, IntegrityError, NotFound, StoreError, UsageError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import ColumnTrait, WireKind
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.source import MemorySource


def live(world: World) -> None:
    """Three nights: a phone changes after the first, the customer is deleted after the second."""
    with_sales(world)
    world.org.add_table("Attachment", {"Name": WireKind.TEXT}, files=True)
    world.org.attach("Attachment", "offer.pdf", b"%PDF offer")
    backup(world.app, "sales")
    world.clock.advance(hours=20)
    world.org.update("Account", "A40017", {"Phone": "+49 1", "Owner": None})
    world.clock.advance(hours=4)
    backup(world.app, "sales")
    world.clock.advance(hours=20)
    world.org.delete("Account", "A40017")
    world.clock.advance(hours=4)
    backup(world.app, "sales")


after_nights = scene(live)


@pytest.fixture
def nights(world: World, after_nights: Lead) -> World:
    """Three nights: a phone changes after the first, the customer is deleted after the second."""
    after_nights(world)
    return world


def test_snapshots_are_listed_oldest_first(nights: World) -> None:
    listed = snapshots(nights.app, "sales")
    assert [night.number for night in listed.snapshots] == [1, 2, 3]
    assert listed.snapshots[2].counts.deleted == 1


def test_the_certificate_of_any_night_can_be_asked_for(nights: World) -> None:
    latest = certificate(nights.app, "sales", at="latest")
    assert (latest.snapshot, latest.complete, latest.gaps) == (3, True, ())
    first = certificate(nights.app, "sales", at="2026-03-02")
    assert first.snapshot == 1
    assert {line.table: line.stored for line in first.certificate.tables}["Account"] == 3
    with pytest.raises(NotFound):
        certificate(nights.app, "sales", at="7")
    with pytest.raises(UsageError):
        certificate(nights.app, "sales", at="live")


def test_a_gap_turns_the_certificate(sales: World) -> None:
    gap = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Mail is hidden.", "Allow it.")
    sales.org.findings = [gap]
    backup(sales.app, "sales")
    shown = certificate(sales.app, "sales", at="1")
    assert not shown.complete
    assert gap in shown.gaps


def test_a_customer_is_found_by_number_deleted_as_it_is(nights: World) -> None:
    (hit,) = find(nights.app, "A40017").hits
    assert (hit.org, hit.table, hit.record, hit.alive) == ("sales", "Account", "A40017", False)
    assert hit.name == "Schoko Zürich"
    assert hit.gone is not None
    assert (hit.gone.how, hit.gone.by, hit.gone.by_name) == (Op.DELETED, "U1", "Ada Admin")
    assert hit.gone.at == nights.org.tables["Account"].records["A40017"].modified


def test_a_living_one_is_found_by_a_word_of_its_name(nights: World) -> None:
    result = find(nights.app, "lyon", org="sales")
    assert result.searched == ("sales",)
    assert [(hit.record, hit.alive, hit.gone) for hit in result.hits] == [("A40018", True, None)]


def test_searching_needs_a_text_and_a_backup(sales: World) -> None:
    with pytest.raises(UsageError) as caught:
        find(sales.app, "  ")
    assert caught.value.code == "text-empty"
    assert find(sales.app, "lyon") == find(sales.app, "lyon", org="sales")
    assert find(sales.app, "lyon").searched == ()
    with pytest.raises(NotFound):
        find(sales.app, "lyon", org="shop")


def test_a_purged_record_is_gone_between_two_nights(sales: World) -> None:
    backup(sales.app, "sales")
    before = sales.clock.now()
    sales.clock.advance(days=1)
    sales.org.purge("Account", "A40019")
    sales.clock.advance(days=1)
    backup(sales.app, "sales")
    (hit,) = find(sales.app, "A40019").hits
    assert hit.gone is not None
    assert (hit.gone.how, hit.gone.at, hit.gone.by) == (Op.PURGED, None, None)
    assert (hit.gone.after, hit.gone.until) == (before, sales.clock.now())


def test_a_deletion_that_only_a_list_tells_had_no_time(
    sales: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source lists the ids of purged records with the time of the deletion."""
    backup(sales.app, "sales")
    sales.clock.advance(hours=3)
    deleted = sales.clock.now()
    sales.org.purge("Account", "A40019")
    plain = MemorySource._purged

    def listed(source: MemorySource, ids: list[str]) -> Rows:
        rows = plain(source, ids)
        return replace(rows, modified_at=pa.array([deleted] * len(ids), rows.modified_at.type))

    monkeypatch.setattr(MemorySource, "_purged", listed)
    sales.clock.advance(hours=3)
    backup(sales.app, "sales")
    (hit,) = find(sales.app, "A40019").hits
    (lost_record,) = lost(sales.app, "sales").records
    told = history(sales.app, "sales", "Account", "A40019").entries[-1]
    for gone in (hit.gone, lost_record.gone, told):
        assert gone is not None
        assert (gone.how, gone.at, gone.by) == (Op.PURGED, deleted, None)
    shown = show(sales.app, "sales", "Account", "A40019", at="latest")
    assert shown.modified_at is not None
    assert shown.modified_at < deleted, "the list says nothing about the last change"


def test_a_former_value_is_found_on_request(nights: World) -> None:
    nights.org.update("Account", "A40018", {"Name": "Cacao Paris"})
    backup(nights.app, "sales")
    assert find(nights.app, "cacao lyon").hits == ()
    (hit,) = find(nights.app, "cacao lyon", former=True).hits
    assert (hit.record, hit.name, hit.value) == ("A40018", "Cacao Paris", "Cacao Lyon")
    assert (hit.former, hit.exact) == (True, True)
    (present,) = find(nights.app, "paris", former=True).hits
    assert not present.former


def test_calculated_columns_were_shown_as_if_they_were_of_today(sales: World) -> None:
    """A formula changes without its record, and no backup stores that."""
    table = sales.org.tables["Account"]
    sales.org.add_column("Account", "Worth", WireKind.DECIMAL, value="1")
    traits = frozenset({ColumnTrait.VOLATILE, ColumnTrait.CALCULATED})
    table.columns["Worth"] = replace(table.columns["Worth"], traits=traits)
    backup(sales.app, "sales")
    first = sales.clock.now()
    sales.clock.advance(days=1)
    table.records["A40018"].cells["Worth"] = "2"
    backup(sales.app, "sales", full=True)
    shown = show(sales.app, "sales", "Account", "A40018", at="latest")
    assert shown.values["Worth"] == "1"
    assert {field.column for field in shown.fields if field.calculated} == {"Worth"}
    assert shown.read_at == first < shown.as_of
    (note,) = certificate(sales.app, "sales", at="latest").notes
    assert note.kind is FindingKind.VALUES_CALCULATED
    assert "1 column of 1 table" in note.sentence
    assert "as of the last backup that found their record new or changed" in note.sentence


def test_a_record_that_was_purged_later_still_tells_who_deleted_it(nights: World) -> None:
    nights.org.purge("Account", "A40017")
    nights.clock.advance(days=1)
    backup(nights.app, "sales")
    (hit,) = find(nights.app, "A40017").hits
    assert hit.gone is not None
    assert (hit.gone.how, hit.gone.by_name) == (Op.DELETED, "Ada Admin")


def test_history_tells_field_by_field_who_and_when(nights: World) -> None:
    told = history(nights.app, "sales", "Account", "A40017")
    assert (told.name, told.alive, told.table_label) == ("Schoko Zürich", False, "Account")
    assert [entry.kind for entry in told.entries] == [
        EventKind.CREATED,
        EventKind.CHANGED,
        EventKind.DELETED,
    ]
    changed = told.entries[1]
    assert (changed.by, changed.by_name) == ("U1", "Ada Admin")
    assert changed.at is not None
    assert changed.told_by is Origin.CHANGE_LOG
    fields = {field.column: field for field in changed.fields}
    assert (fields["Phone"].old, fields["Phone"].new) == ("+41 40017", "+49 1")
    assert (fields["Owner"].old_means, fields["Owner"].new_means) == ("Ada Admin", "")


def test_history_knows_its_tables_and_records(nights: World) -> None:
    with pytest.raises(NotFound) as caught:
        history(nights.app, "sales", "Acount", "A40017")
    assert caught.value.code == "table-unknown"
    assert "Did you mean Account" in caught.value.next_step
    with pytest.raises(NotFound) as caught:
        history(nights.app, "sales", "Account", "A1")
    assert caught.value.code == "record-unknown"


def test_there_is_no_history_before_the_first_backup(sales: World) -> None:
    with pytest.raises(NotFound) as caught:
        history(sales.app, "sales", "Account", "A40017")
    assert caught.value.code == "no-backup-yet"


def test_a_record_is_shown_as_it_was_at_any_night(nights: World) -> None:
    first = show(nights.app, "sales", "Account", "A40017", at="1")
    assert (first.alive, first.snapshot, first.values["Phone"]) == (True, 1, "+41 40017")
    assert {field.column: field.means for field in first.fields}["Owner"] == "Ada Admin"
    second = show(nights.app, "sales", "account", "A40017", at="2")
    assert (second.table, second.values["Phone"], second.values["Owner"]) == (
        "Account",
        "+49 1",
        None,
    )
    assert second.gone is None


def test_a_deleted_record_is_shown_in_its_last_state(nights: World) -> None:
    last = show(nights.app, "sales", "Account", "A40017", at="latest")
    assert (last.alive, last.name, last.values["Phone"]) == (False, "Schoko Zürich", "+49 1")
    assert last.gone is not None
    assert last.gone.by_name == "Ada Admin"
    assert last.modified_by_name == "Ada Admin"


def test_the_live_org_can_be_asked(nights: World) -> None:
    nights.clock.advance(hours=1)
    nights.org.update("Account", "A40018", {"Phone": "new"})
    live = show(nights.app, "sales", "Account", "A40018", at="live")
    assert (live.snapshot, live.alive, live.values["Phone"]) == (None, True, "new")
    with pytest.raises(NotFound) as caught:
        show(nights.app, "sales", "Account", "A99", at="live")
    assert caught.value.code == "record-not-live"


def test_a_column_that_was_hidden_keeps_its_last_value_and_says_so(nights: World) -> None:
    nights.org.hide_column("Account", "Phone")
    nights.clock.advance(days=1)
    backup(nights.app, "sales")
    shown = show(nights.app, "sales", "Account", "A40018", at="latest")
    assert shown.values["Phone"] == "+41 40018"
    assert [field.column for field in shown.fields if field.hidden] == ["Phone"]


def test_unknown_names_are_told(nights: World) -> None:
    for table, record, code in (
        ("Xyz", "A40017", "table-unknown"),
        ("Account", "nobody", "record-unknown"),
    ):
        with pytest.raises(NotFound) as caught:
            show(nights.app, "sales", table, record, at="latest")
        assert caught.value.code == code


def attachment(world: World) -> str:
    return next(iter(world.org.tables["Attachment"].records))


def test_a_file_comes_back_byte_by_byte(nights: World, tmp_path: Path) -> None:
    result = file(nights.app, "sales", attachment(nights), out=tmp_path / "offer.pdf")
    assert (tmp_path / "offer.pdf").read_bytes() == b"%PDF offer"
    assert (result.name, result.size, result.table) == ("offer.pdf", 10, "Attachment")
    shown = show(nights.app, "sales", "Attachment", attachment(nights), at="latest")
    assert [stored.size for stored in shown.files] == [10]


def test_a_file_is_never_written_over_another(nights: World, tmp_path: Path) -> None:
    (tmp_path / "offer.pdf").write_text("mine")
    with pytest.raises(Conflict) as caught:
        file(nights.app, "sales", attachment(nights), out=tmp_path / "offer.pdf")
    assert caught.value.code == "file-exists"
    assert (tmp_path / "offer.pdf").read_text() == "mine"


def test_a_file_that_cannot_be_written_leaves_nothing(nights: World, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        file(nights.app, "sales", attachment(nights), out=tmp_path / "no" / "folder" / "x")
    assert caught.value.code == "file-not-written"


def test_a_damaged_file_leaves_nothing_behind(
    nights: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(org: str, blob: str) -> None:
        raise IntegrityError("object-damaged", "A pack is damaged.")

    monkeypatch.setattr(nights.vault, "open_file", damaged)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(IntegrityError):
        file(nights.app, "sales", attachment(nights), out=out / "offer.pdf")
    assert list(out.iterdir()) == []


def test_a_record_without_a_file_says_what_to_ask_for(nights: World, tmp_path: Path) -> None:
    for record in ("A40017", "nobody"):
        with pytest.raises(NotFound) as caught:
            file(nights.app, "sales", record, out=tmp_path / "x")
        assert caught.value.code == "file-unknown"


def test_verify_names_heads_by_org_and_keeps_its_expectation(nights: World) -> None:
    result = verify(nights.app, level=VerifyLevel.QUICK)
    assert result.whole
    assert list(result.heads) == ["sales"]
    assert result.expectation_met is None
    head = result.heads["sales"]
    assert verify(nights.app, level=VerifyLevel.QUICK, expect=head.upper()[:12]).whole
    older = nights.vault.snapshots(get_org("sales").oid)[0].head
    assert verify(nights.app, level=VerifyLevel.QUICK, expect=older).expectation_met
    missing = verify(nights.app, level=VerifyLevel.QUICK, expect="f" * 64)
    assert (missing.expectation_met, missing.whole) == (False, False)


@pytest.mark.parametrize("text", ["abc", "no digits here"])
def test_what_cannot_be_a_head_is_refused(sales: World, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        verify(sales.app, level=VerifyLevel.QUICK, expect=text)
    assert caught.value.code == "head-unreadable"
