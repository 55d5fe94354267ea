"""Salvaging from a home: planned, agreed to, done, told of, and healed by the next backup."""

from dataclasses import replace
from pathlib import Path

import pytest

from diskhome import put_on_disk
from homes import SECRET, WRITE_SECRET, World
from scenes import Lead, scene
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.certificate import certificate
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.actions.people.audit import list_events
from unlost.app.actions.records.compare import compare
from unlost.app.actions.records.export import ExportRequest, export
from unlost.app.actions.records.history import history
from unlost.app.actions.records.show import show
from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restores.restore_run import run_plan
from unlost.app.actions.retention import erase as erasing
from unlost.app.actions.vault.mirror import run_mirror, set_mirror
from unlost.app.actions.vault.repair import repair
from unlost.app.actions.vault.salvage import plan, salvage
from unlost.app.actions.vault.verify import verify
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.vault.checks import standing_check
from unlost.model.errors import Conflict, IntegrityError, NotFound
from unlost.model.plan import NoteWeight
from unlost.model.source.hidden_columns import hidden_columns
from unlost.model.vault.past_salvage import PastSalvage
from unlost.model.vault.snapshot import VerifyLevel
from unlost.outside.formats import ExportFormat
from unlost.vault.commits.state import LiveSegment
from unlost.vault.stores.address import StoreAddress
from unlost.vault.vault import EncryptedVault

KEY = "A40017"


def live(world: World) -> None:
    """A home whose vault lies on the disk, with two nights; KEY changes in the second."""
    put_on_disk(world)
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    for number in range(2):
        world.org.update("Account", KEY, {"Phone": f"+41 {number}"})
        backup(world.app, "sales")
        world.clock.advance(days=1)


on_disk = scene(live)


@pytest.fixture
def kept(world: World, on_disk: Lead) -> World:
    """A home whose vault lies on the disk, with two nights; KEY changes in the second."""
    on_disk(world)
    return world


def vault_of(world: World) -> EncryptedVault:
    assert isinstance(world.app.whole_vault, EncryptedVault)
    return world.app.whole_vault


def path_of(world: World, live: LiveSegment) -> Path:
    assert world.home.vault is not None
    (path,) = world.home.vault.rglob(f"data/*/{live.entry.object}")
    return path


def newest(world: World, table: str) -> LiveSegment:
    """The newest segment of a table."""
    oid = get_org("sales").oid
    state = vault_of(world).org_vault(oid).chain.live()
    return state.of(table, until=state.seq)[-1]


def spoil_column(world: World, table: str, column: str) -> None:
    """Damage a column of the newest segment of a table."""
    oid, live = get_org("sales").oid, newest(world, table)
    org_vault = vault_of(world).org_vault(oid)
    label, _ = org_vault.reader.facts(live.entry)
    code = f"c{org_vault.schemas.known(label.schema, table)[column].code}"
    with org_vault.reader.opened(live.entry) as file:
        at = file.schema_arrow.names.index(code)
        own = file.metadata.row_group(0).column(at)
        start = min(own.dictionary_page_offset or own.data_page_offset, own.data_page_offset)
    path = path_of(world, live)
    data = bytearray(path.read_bytes())
    data[start + own.total_compressed_size // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    world.app.open_anew()
    world.vault = world.app.damaged_vault  # type: ignore[assignment]


def cells(world: World) -> dict[str, str | None]:
    oid = get_org("sales").oid
    return dict(world.app.whole_vault.history(oid, "Account", KEY)[-1].cells)


def test_a_lost_column_is_told_left_alone_and_read_again(kept: World) -> None:
    spoil_column(kept, "Account", "Phone")
    assert verify(kept.app, level=VerifyLevel.FULL).damages
    seen = plan(kept.app)
    (org,) = seen.orgs
    assert (org.org, org.lost, org.snapshot) == ("sales", 0, None)
    (table,) = [one for one in org.tables if one.table == "Account"]
    assert (table.columns, table.reduced > 0) == (("Phone",), True)
    done = salvage(kept.app, plan=seen.digest)
    assert done.whole
    assert done.orgs[0].snapshot == 3
    check = standing_check()
    assert check is not None
    assert check.damages == ()
    assert "salvage.run" in str(list_events(kept.app).entries)
    assert "Phone" not in cells(kept)
    assert cells(kept)["Name"]
    told = history(kept.app, "sales", "Account", KEY)
    assert "new=None" not in str([entry for entry in told.entries if "Phone" in str(entry)])
    differing = compare(kept.app, "sales", "1", "2", table="Account")
    assert (differing.rows, differing.tables) == ((), ())
    asked = kept.app.whole_vault.at(get_org("sales").oid, 2)
    assert asked.unread("Account", [KEY]) == {KEY: frozenset({"Phone"})}
    backup(kept.app, "sales")
    assert cells(kept)["Phone"] == "+41 1"
    assert kept.app.whole_vault.at(get_org("sales").oid, 4).unread("Account", [KEY]) == {}
    assert verify(kept.app, level=VerifyLevel.DEEP).whole
    assert plan(kept.app).orgs == ()


def test_a_restore_leaves_alone_what_is_not_known(kept: World, tmp_path: Path) -> None:
    spoil_column(kept, "Account", "Phone")
    salvage(kept.app, plan=plan(kept.app).digest)
    set_writer(kept.app, NewWriter("sales", {}, {"password": WRITE_SECRET}))
    platform = kept.connector.writer("one").platform
    name = dict(platform.live("Account"))[KEY].cells["Name"]
    kept.org.update("Account", KEY, {"Phone": "+41 live", "Name": "Wrong"})
    made = make_plan(
        kept.app, PlanRequest("sales", (f"Account/{KEY}",), at="2"), tmp_path / "plan.json"
    )
    run_plan(kept.app, Path(made.file))
    live = dict(platform.live("Account"))[KEY].cells
    assert (live["Phone"], live["Name"]) == ("+41 live", name)


def test_what_the_second_copy_has_whole_is_brought_back_first(kept: World, tmp_path: Path) -> None:
    set_mirror(kept.app, StoreAddress(tmp_path / "second"))
    with_empty_copy = plan(kept.app)
    assert with_empty_copy.orgs == ()
    run_mirror(kept.app)
    path = path_of(kept, newest(kept, "Account"))
    data = path.read_bytes()
    path.unlink()
    for ask in (lambda: plan(kept.app), lambda: salvage(kept.app, plan="")):
        with pytest.raises(Conflict) as caught:
            ask()
        assert caught.value.code == "salvage-copy"
    repair(kept.app)
    assert path.read_bytes() == data
    assert plan(kept.app).orgs == ()


def test_a_copy_that_has_lost_it_too_follows_and_keeps_nothing_damaged(
    kept: World, tmp_path: Path
) -> None:
    set_mirror(kept.app, StoreAddress(tmp_path / "second"))
    run_mirror(kept.app)
    path = path_of(kept, newest(kept, "Account"))
    path.unlink()
    for twin in (tmp_path / "second").rglob(path.name):
        twin.unlink()
    assert salvage(kept.app, plan=plan(kept.app).digest).whole
    done = run_mirror(kept.app)
    assert done.damaged == ()
    assert not list((tmp_path / "second").rglob(path.name))


def test_something_else_than_the_plan_said_is_not_done(kept: World) -> None:
    path_of(kept, newest(kept, "Account")).unlink()
    with pytest.raises(Conflict) as caught:
        salvage(kept.app, plan="of yesterday")
    assert caught.value.code == "salvage-changed"
    assert kept.app.whole_vault.commits(get_org("sales").oid)[-1].number == 2


def test_who_does_not_see_a_column_is_not_told_of_it(kept: World) -> None:
    spoil_column(kept, "Account", "Phone")
    salvage(kept.app, plan=plan(kept.app).digest)
    oid, whole = get_org("sales").oid, kept.app.whole_vault
    hidden = whole.visible({oid: hidden_columns([("Account", "Phone")])})
    (told,) = whole.past_operations(oid, PastSalvage)
    assert any("Phone" in sentence for sentence in told.sentences)
    assert hidden.past_operations(oid, PastSalvage) == (replace(told, sentences=()),)
    head = hidden.newest_backup(oid)
    assert head is not None
    assert head.unread("Account", [KEY]) == {}
    other = whole.visible({oid: hidden_columns([("Account", "Name")])}).newest_backup(oid)
    assert other is not None
    assert other.unread("Account", [KEY]) == {KEY: frozenset({"Phone"})}
    assert whole.visible({}).past_operations(oid, PastSalvage) == (told,)


def test_a_value_that_is_lost_is_not_shown_as_empty(kept: World) -> None:
    spoil_column(kept, "Account", "Phone")
    salvage(kept.app, plan=plan(kept.app).digest)
    shown = show(kept.app, "sales", "Account", KEY, at="2")
    assert [field.column for field in shown.fields if field.unknown] == ["Phone"]
    assert shown.values["Phone"] is None
    backup(kept.app, "sales")
    again = show(kept.app, "sales", "Account", KEY, at="latest")
    assert not any(field.unknown for field in again.fields)


@pytest.mark.parametrize("form", list(ExportFormat))
def test_an_export_tells_how_many_of_its_empty_values_are_lost(
    kept: World, form: ExportFormat, tmp_path: Path
) -> None:
    wish = ExportRequest(form, ("Account",))
    whole = export(kept.app, "sales", wish, out=tmp_path / "whole").tables[0]
    spoil_column(kept, "Account", "Phone")
    salvage(kept.app, plan=plan(kept.app).digest)
    told = export(kept.app, "sales", wish, out=tmp_path / "told").tables[0]
    assert (whole.lost, told.lost, told.rows) == (0, 1, whole.rows)
    backup(kept.app, "sales")
    assert export(kept.app, "sales", wish, out=tmp_path / "healed").tables[0].lost == 0


def test_a_delta_table_that_keeps_what_the_vault_lost_is_not_said_to_lack_it(
    kept: World, tmp_path: Path
) -> None:
    wish, out = ExportRequest(ExportFormat.DELTA, ("Account",)), tmp_path / "tables"
    export(kept.app, "sales", wish, out=out)
    spoil_column(kept, "Account", "Phone")
    salvage(kept.app, plan=plan(kept.app).digest)
    told = export(kept.app, "sales", wish, out=out).tables[0]
    assert (told.rows, told.lost, told.whole) == (0, 0, False)


def test_a_delta_table_that_is_carried_on_tells_what_was_lost_of_what_came(
    kept: World, tmp_path: Path
) -> None:
    first, out = ExportRequest(ExportFormat.DELTA, ("Account",), as_of="1"), tmp_path / "tables"
    export(kept.app, "sales", first, out=out)
    spoil_column(kept, "Account", "Phone")
    salvage(kept.app, plan=plan(kept.app).digest)
    wish = ExportRequest(ExportFormat.DELTA, ("Account",))
    told = export(kept.app, "sales", wish, out=out).tables[0]
    assert (told.rows, told.lost, told.whole) == (1, 1, False)


def test_a_restore_says_what_it_cannot_bring_back_because_it_is_lost(
    kept: World, tmp_path: Path
) -> None:
    spoil_column(kept, "Account", "Phone")
    salvage(kept.app, plan=plan(kept.app).digest)
    set_writer(kept.app, NewWriter("sales", {}, {"password": WRITE_SECRET}))
    asked = PlanRequest("sales", (f"Account/{KEY}",), at="2")
    kept.org.update("Account", KEY, {"Name": "Wrong"})
    changed = make_plan(kept.app, asked, tmp_path / "update.json")
    kept.org.delete("Account", KEY)
    kept.org.purge("Account", KEY)
    created = make_plan(kept.app, asked, tmp_path / "create.json")
    for made in (changed, created):
        (note,) = [one for one in made.summary.notes if one.code == "value-unknown"]
        assert (note.weight, note.table, note.column, note.count) == (
            NoteWeight.WARNING,
            "Account",
            "Phone",
            1,
        )
        assert "The vault lost the values of 1 record" in note.sentence


def test_something_else_of_one_size_is_not_salvaged(kept: World) -> None:
    spoil_column(kept, "Account", "Phone")
    seen = plan(kept.app)
    backup(kept.app, "sales")
    with pytest.raises(Conflict) as caught:
        salvage(kept.app, plan=seen.digest)
    assert caught.value.code == "salvage-changed"


def test_a_journal_that_is_lost_stops_nothing_once_it_is_given_up(
    kept: World, tmp_path: Path
) -> None:
    set_writer(kept.app, NewWriter("sales", {}, {"password": WRITE_SECRET}))
    kept.org.update("Account", KEY, {"Phone": "wrong"})
    asked = PlanRequest("sales", (f"Account/{KEY}",), at="2")
    run = run_plan(kept.app, Path(make_plan(kept.app, asked, tmp_path / "plan.json").file)).run
    assert kept.home.vault is not None
    proof, *_ = sorted(kept.home.vault.glob("orgs/*/certs/*"))
    entry, *_ = sorted(kept.home.vault.glob(f"orgs/*/journal/{run}/*"))
    for lost in (proof, entry):
        lost.unlink()
    kept.app.open_anew()
    wish = erasing.ErasureRequest((f"Account/{KEY}",))
    with pytest.raises((IntegrityError, NotFound)):
        erasing.plan(kept.app, "sales", wish)
    seen = plan(kept.app)
    (org,) = seen.orgs
    assert (org.certificates, org.journals, org.tables) == ((1,), (run,), ())
    assert salvage(kept.app, plan=seen.digest).whole
    assert run not in kept.app.whole_vault.journals(get_org("sales").oid)
    asked_for = erasing.plan(kept.app, "sales", wish)
    assert erasing.erase(kept.app, "sales", wish, plan=asked_for.digest).records
    assert verify(kept.app, level=VerifyLevel.DEEP).whole
    stands = certificate(kept.app, "sales", at="1")
    assert not stands.complete
