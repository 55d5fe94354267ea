"""The vault keeps what the ports ``Vault``, ``Commit`` and ``Journal`` promise to runs that write to an org."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pyarrow as pa
import pytest

from unlost.model.errors import Conflict, NotFound, UnlostError
from unlost.model.org import OrgIdentity
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Commit
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Column, Schema, Table, WireKind
from unlost.model.vault.erasure import Erase, MatchColumn, PastErasure
from unlost.model.vault.erasure_proof import TableErased
from unlost.model.vault.lineage import resolve
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.past_salvage import PastSalvage
from unlost.model.vault.rectification import Rectify, RightValue
from unlost.model.vault.retention import Forget, Forgetting, Hold, HoldScope, HoldTarget, KeepRules
from unlost.model.vault.salvage import Salvage, SalvageEffect
from unlost.model.vault.snapshot import Added, CommitKind, Lineage, SnapshotInfo, TableCommit
from unlost.testing.clock import START, VirtualClock
from unlost.testing.vault import memory_vault, reopened
from unlost.vault.vault import EncryptedVault

IDENTITY = OrgIdentity("fake", "T1", label="The org")
SANDBOX = OrgIdentity("fake", "T2", label="The sandbox")
NAMED = Schema((Table("Thing", (Column("Name", WireKind.TEXT),)),), "f")
SCHEMA = Schema((Table("Thing", ()),), "f")


@pytest.fixture
def vault() -> EncryptedVault:
    """An empty vault."""
    return memory_vault(VirtualClock())


@pytest.fixture
def org(vault: EncryptedVault) -> str:
    """An org of the vault, with one night."""
    org = vault.ensure_org(IDENTITY)
    night(vault, org, "night-1")
    return org


def reopen(vault: EncryptedVault) -> EncryptedVault:
    """The same vault as another process opens it."""
    return reopened(vault, VirtualClock())


# --- journals -------------------------------------------------------------------------------


def test_entries_are_there_for_the_next_process(vault: EncryptedVault, org: str) -> None:
    """Numbers count from 0, and all that was kept is read in order."""
    journal = vault.journal(org, "run-1")
    assert journal.run == "run-1"
    assert list(journal.read()) == []
    assert [journal.append(text) for text in (b"plan", b"", b"x" * 300_000)] == [0, 1, 2]
    again = reopen(vault).journal(org, "run-1")
    assert list(again.read()) == [b"plan", b"", b"x" * 300_000]
    assert again.append(b"more") == 3
    assert list(again.read())[3:] == [b"more"]


def test_writing_what_is_there_changes_nothing(vault: EncryptedVault, org: str) -> None:
    """A process that did not hear that its entry was kept may say it again."""
    vault.journal(org, "run-1").append(b"plan")
    again = reopen(vault).journal(org, "run-1")
    assert again.append(b"plan") == 0
    assert again.append(b"call") == 1
    assert list(again.read()) == [b"plan", b"call"]


def test_of_two_processes_on_one_run_one_is_stopped(vault: EncryptedVault, org: str) -> None:
    """Whoever comes second to a number learns it before it calls anybody."""
    first, second = vault.journal(org, "run-1"), reopen(vault).journal(org, "run-1")
    first.append(b"plan")
    assert list(second.read()) == [b"plan"]
    assert first.append(b"call of the first") == 1
    with pytest.raises(Conflict) as stopped:
        second.append(b"call of the second")
    assert stopped.value.code == "journal-conflict"
    assert list(second.read()) == [b"plan", b"call of the first"]
    assert second.append(b"looked") == 2


def test_runs_keep_their_journals_apart(vault: EncryptedVault, org: str) -> None:
    """Also where one id begins as another does; an org without journals has none."""
    assert list(vault.journals(org)) == []
    vault.journal(org, "run").append(b"a")
    vault.journal(org, "run-1").append(b"b")
    vault.journal(org, "run-empty")
    assert sorted(vault.journals(org)) == ["run", "run-1"]
    assert list(vault.journal(org, "run").read()) == [b"a"]
    assert list(vault.journals(vault.ensure_org(SANDBOX))) == []


def test_the_commit_ends_the_journal(vault: EncryptedVault, org: str) -> None:
    """It can be read for ever and never grows again; open ones are told apart."""
    for run in ("run-b", "run-a", "run-c"):
        vault.journal(org, run).append(b"plan")
    late = vault.journal(org, "run-b")
    assert list(late.read()) == [b"plan"]
    restore(vault, org, "run-b")
    restore(vault, org, "run-a")
    assert list(vault.journals(org)) == ["run-b", "run-a", "run-c"]
    assert list(reopen(vault).journals(org, unfinished=True)) == ["run-c"]
    assert list(reopen(vault).journal(org, "run-b").read()) == [b"plan"]
    with pytest.raises(Conflict) as refused:
        late.append(b"too late")
    assert refused.value.code == "journal-closed"


# --- lineage --------------------------------------------------------------------------------


def test_lineage_is_told_by_record_and_by_table(vault: EncryptedVault, org: str) -> None:
    """What is not committed is not told; unknown records are left out."""
    rows = [line("a", "a2", org), line("b", "b2", org), line("a", "z2", org, table="Other")]
    commit = begin(vault, org, "run-1")
    added = commit.lineage(rows)
    assert list(vault.lineage(org)) == []
    info = finish(commit, added)
    found = reopen(vault).lineage(org, table="Thing", records=["a", "nobody"])
    assert list(found) == [line("a", "a2", org, since=info.number)]
    assert {row.old for row in vault.lineage(org, table="Thing")} == {"a", "b"}
    assert {row.live for row in vault.lineage(org)} == {"a2", "b2", "z2"}
    assert {row.live for row in vault.lineage(org, records=["a"])} == {"a2", "z2"}
    assert list(vault.lineage(org, table="Nothing", records=["a"])) == []
    assert [row.old for row in vault.lineage(org, lives=["b2", "nobody"])] == ["b"]
    assert list(vault.lineage(org, table="Thing", lives=["z2"])) == []


def test_the_newest_row_of_a_record_counts(vault: EncryptedVault, org: str) -> None:
    """In a commit the last that was said, over commits the last that was committed."""
    restore(vault, org, "run-1", [line("a", "x", org), line("a", "y", org)])
    assert [row.live for row in vault.lineage(org, table="Thing", records=["a"])] == ["y"]
    info = restore(vault, org, "run-2", [line("a", "z", org, run="run-2")])
    assert list(vault.lineage(org)) == [line("a", "z", org, run="run-2", since=info.number)]


def test_targets_are_kept_apart(vault: EncryptedVault, org: str) -> None:
    """One record may live again in several orgs; an org that the vault lacks is refused."""
    target = vault.ensure_org(SANDBOX)
    restore(vault, org, "run-1", [line("a", "here", org), line("a", "there", target)])
    rows = vault.lineage(org, table="Thing", records=["a"])
    assert {row.target: row.live for row in rows} == {org: "here", target: "there"}
    with pytest.raises(NotFound) as refused:
        begin(vault, org, "run-2").lineage([line("a", "b", "0" * 32)])
    assert refused.value.code == "org-unknown"


def test_a_record_that_came_back_twice_is_found_by_its_first_id(
    vault: EncryptedVault, org: str
) -> None:
    """The rows that carry it on are given with it."""
    target = vault.ensure_org(SANDBOX)
    first = [line("a", "a2", org), line("a", "a2", target), line("other", "o2", org)]
    restore(vault, org, "run-1", first)
    restore(vault, org, "run-2", [line("a2", "a3", org), line("a2", "never", target)])
    restore(vault, org, "run-3", [line("a3", "a4", org), line("a9", "a5", org)])
    rows = vault.lineage(org, table="Thing", records=["a"])
    assert {(row.old, row.live) for row in rows} == {("a", "a2"), ("a2", "a3"), ("a3", "a4")}
    assert resolve(rows, org=org, target=org)[RecordKey("Thing", "a")] == "a4"
    assert resolve(rows, org=org, target=target) == {RecordKey("Thing", "a"): "a2"}


# --- commits that are no nights -------------------------------------------------------------


def test_a_restore_takes_a_number_and_is_no_night(vault: EncryptedVault, org: str) -> None:
    """It keeps what the snapshot before it held."""
    info = restore(vault, org, "run-1", [line("a", "b", org)])
    assert (info.number, info.kind) == (2, CommitKind.RESTORE)
    night(vault, org, "night-2")
    assert [night.number for night in vault.snapshots(org)] == [1, 3]
    assert [commit.run for commit in vault.commits(org)] == ["night-1", "run-1", "night-2"]
    head = reopen(vault).newest_backup(org)
    assert head is not None
    assert head.info.number == 3
    assert vault.at(org, 2).info == info
    assert vault.at(org, 2).schema() == SCHEMA
    assert vault.at(org, 2).tables().keys() == {"Thing"}


def test_a_restore_is_committed_once(vault: EncryptedVault, org: str) -> None:
    """Also if another process finishes it again."""
    info = restore(vault, org, "run-1", [line("a", "b", org)])
    assert restore(reopen(vault), org, "run-1", [line("a", "b", org)]) == info
    assert restore(vault, org, "run-2").number == info.number + 1


def test_a_night_that_was_committed_meanwhile_stays(vault: EncryptedVault, org: str) -> None:
    """The restore comes after it and keeps its schema; and the other way round."""
    wider = Schema((*SCHEMA.tables, Table("Other", ())), "g")
    commit = begin(vault, org, "run-1")
    added = commit.lineage([line("a", "b", org)])
    night(vault, org, "night-2", schema=wider)
    assert finish(commit, added).number == 3
    assert vault.at(org, 3).schema() == wider
    late = vault.begin(org, run="night-3", kind=CommitKind.BACKUP, identity=IDENTITY)
    late.put_schema(wider)
    restore(vault, org, "run-2", [line("c", "d", org)])
    assert late.finish([TableCommit("Thing")], as_of=START).number == 5
    assert [night.number for night in vault.snapshots(org)] == [1, 2, 5]
    assert {row.live for row in vault.lineage(org)} == {"b", "d"}


def test_a_backup_of_a_few_tables_names_them(vault: EncryptedVault, org: str) -> None:
    """All others stay as they were, and a night names none."""
    wider = Schema((*SCHEMA.tables, Table("Other", ())), "g")
    commit = vault.begin(org, run="night-2", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(wider)
    tables = [TableCommit(name, window_start=START) for name in ("Thing", "Other")]
    assert commit.finish(tables, as_of=START).only == ()
    commit = vault.begin(org, run="hour-3", kind=CommitKind.BACKUP, identity=IDENTITY)
    later = START + timedelta(hours=1)
    moved = TableCommit("Thing", window_start=later)
    info = commit.finish([moved], as_of=later, partial=True)
    assert (info.number, info.only, info.partial) == (3, ("Thing",), True)
    again = reopen(vault)
    assert [one.only for one in again.snapshots(org)] == [(), (), ("Thing",)]
    head = again.newest_backup(org)
    assert head is not None
    assert head.schema() == wider
    states = head.tables()
    assert {name: state.window_start for name, state in states.items()} == {
        "Thing": later,
        "Other": START,
    }


# --- keeping and forgetting ------------------------------------------------------------------


def test_nights_that_rules_do_not_keep_are_shown_no_more(vault: EncryptedVault, org: str) -> None:
    """What was agreed to is what goes; a number is not used again."""
    for number in (2, 3):
        night(vault, org, f"night-{number}")
    rules, agreed = KeepRules(daily=1), list[Forgetting]()
    plan = vault.plan(org, Forget(rules)).effect
    assert (plan.nights, plan.staying) == ((1, 2), (3,))
    with pytest.raises(ZeroDivisionError):
        vault.apply(
            org,
            unconditional(Forget(rules)),
            run="forget-1",
            before_write=lambda _: agreed.clear() if 1 // 0 else None,
        )
    assert len(vault.snapshots(org)) == 3
    done = vault.apply(
        org, unconditional(Forget(rules)), run="forget-2", before_write=agreed.append
    )
    assert agreed == [plan]
    assert done.snapshot == 4
    again = reopen(vault)
    assert [info.number for info in again.snapshots(org)] == [3]
    with pytest.raises(NotFound) as caught:
        again.at(org, 2)
    assert caught.value.code == "snapshot-forgotten"
    assert again.apply(org, unconditional(Forget(rules)), run="forget-3").snapshot is None
    assert night(vault, org, "night-5").number == 5


def test_nothing_is_forgotten_while_a_run_is_open(vault: EncryptedVault, org: str) -> None:
    """It may need what would go."""
    night(vault, org, "night-2")
    commit = begin(vault, org, "run-1")
    with pytest.raises(Conflict) as caught:
        vault.apply(org, unconditional(Forget(KeepRules(daily=1))), run="forget-1")
    assert caught.value.code == "runs-open"
    commit.abandon()
    assert vault.apply(org, unconditional(Forget(KeepRules(daily=1))), run="forget-2").nights == (
        1,
    )


def test_holds_stand_above_rules_and_are_there_for_the_next_process(
    vault: EncryptedVault, org: str
) -> None:
    """One on the same thing replaces the earlier one, also in its place in time."""
    night(vault, org, "night-2")
    thing = HoldTarget(HoldScope.NIGHT, backup=1)
    vault.change_holds(org, placed=(Hold(thing, "audit", "ada"),), run="hold-1")
    info = vault.change_holds(org, placed=(Hold(thing, "court", "bo"),), run="hold-2")
    assert info.kind is CommitKind.HOLD
    again = reopen(vault)
    assert again.holds(org) == (Hold(thing, "court", "bo", None, info.number),)
    assert again.plan(org, Forget(KeepRules(daily=1))).effect.nothing
    again.change_holds(org, lifted=(thing,), run="hold-3")
    assert again.holds(org) == ()
    assert again.plan(org, Forget(KeepRules(daily=1))).effect.nights == (1,)


# --- erasing ---------------------------------------------------------------------------------


def test_what_was_erased_is_gone_and_stays_out(vault: EncryptedVault, org: str) -> None:
    """Under its id, and under another one with the same value in a column that tells it."""
    named_night(vault, org, "night-2", {"a": "Anna", "b": "Ben"})
    wish = Erase((RecordKey("Thing", "a"),), (MatchColumn("Thing", "Name"),), by="admin")
    plan = vault.plan(org, wish).effect
    assert (plan.tables, plan.snapshot) == ((TableErased("Thing", 1, 1, 1),), None)
    with pytest.raises(ZeroDivisionError):
        vault.apply(org, unconditional(wish), run="erase-1", before_write=lambda _: divmod(1, 0))
    assert len(vault.history(org, "Thing", "a")) == 1
    assert vault.apply(org, unconditional(wish), run="erase-2").tables == plan.tables
    again = reopen(vault)
    assert [len(again.history(org, "Thing", one)) for one in ("a", "b")] == [0, 1]
    assert again.apply(org, unconditional(wish), run="erase-3").snapshot is None
    (told,) = again.past_operations(org, PastErasure)
    assert (told.proof.by, told.proof.run, told.complete) == ("admin", "erase-2", True)
    assert told.proof.listed == len(told.pseudonyms) == 2
    seen = {"a": "Anna", "z": " ANNA", "y": ""}
    commit = begin(again, org, "night-3")
    assert commit.admitted("Thing", named(seen)).ids.to_pylist() == ["y"]
    assert commit.admitted_ids("Thing", pa.array(["a", "y"])).to_pylist() == ["y"]
    keys = [RecordKey("Thing", "a"), RecordKey("Thing", "y"), RecordKey("Other", "a")]
    assert again.erased(org, keys) == {keys[0]}
    commit.abandon()
    named_night(again, org, "night-4", seen)
    found = [len(again.history(org, "Thing", one)) for one in ("a", "b", "y", "z")]
    assert found == [0, 1, 1, 0]


def test_a_hold_stands_above_an_erasure(vault: EncryptedVault, org: str) -> None:
    """Nothing of it is erased, and who asked is told."""
    named_night(vault, org, "night-2", {"a": "Anna"})
    wish = Erase((RecordKey("Thing", "a"),))
    for thing in (
        HoldTarget(HoldScope.ORG),
        HoldTarget(HoldScope.TABLE, "Thing"),
        HoldTarget(HoldScope.RECORD, "Thing", "a"),
        HoldTarget(HoldScope.NIGHT, backup=2),
    ):
        vault.change_holds(org, placed=(Hold(thing),), run=f"hold-{thing.scope}")
        with pytest.raises(Conflict) as caught:
            vault.apply(org, unconditional(wish), run="erase-1")
        assert caught.value.code == "erase-held"
        vault.change_holds(org, lifted=(thing,), run=f"lift-{thing.scope}")
    assert len(vault.history(org, "Thing", "a")) == 1
    assert vault.apply(org, unconditional(wish), run="erase-2").snapshot is not None


def test_what_came_back_goes_too(vault: EncryptedVault, org: str) -> None:
    """A record and what stands for it are one; in other orgs it is only told."""
    named_night(vault, org, "night-2", {"a": "Anna", "a2": "Anna"})
    target = vault.ensure_org(SANDBOX)
    restore(vault, org, "run-1", [line("a", "a2", org), line("a", "there", target)])
    done = vault.apply(org, unconditional(Erase((RecordKey("Thing", "a2"),))), run="erase-1")
    assert set(done.records) == {RecordKey("Thing", "a"), RecordKey("Thing", "a2")}
    assert done.elsewhere == ((target, RecordKey("Thing", "there")),)


# --- rectifying ------------------------------------------------------------------------------


def test_a_wrong_value_is_replaced_in_all_history(vault: EncryptedVault, org: str) -> None:
    """Of the record alone, and the next backup takes what the source says."""
    for night, name in enumerate(("Ana", "Hanna", "Ana"), start=2):
        named_night(vault, org, f"night-{night}", {"a": name, "b": "Ana"})
    key = RecordKey("Thing", "a")
    wish = Rectify(key, (RightValue("Name", "Anna"),), was="Ana", by="admin")
    plan = vault.plan(org, wish).effect
    assert (plan.tables, plan.snapshot) == ((TableErased("Thing", 1, 2, 1),), None)
    assert plan.columns == plan.current == ("Thing.Name",)
    with pytest.raises(ZeroDivisionError):
        vault.apply(org, unconditional(wish), run="rectify-1", before_write=lambda _: divmod(1, 0))
    assert vault.apply(org, unconditional(wish), run="rectify-2").tables == plan.tables
    again = reopen(vault)
    names = [one.cells["Name"] for one in again.history(org, "Thing", "a")]
    assert names == ["Anna", "Hanna", "Anna"]
    assert again.history(org, "Thing", "b")[0].cells["Name"] == "Ana"
    assert again.apply(org, unconditional(wish), run="rectify-3").snapshot is None
    (told,) = again.past_operations(org, PastErasure)
    assert (told.proof.run, told.proof.columns) == ("rectify-2", ("Thing.Name",))
    assert again.commits(org)[-1].kind is CommitKind.RECTIFY
    named_night(again, org, "night-9", {"a": "Ana"})
    assert again.history(org, "Thing", "a")[-1].cells["Name"] == "Ana"


def test_where_nothing_is_damaged_nothing_is_salvaged(vault: EncryptedVault, org: str) -> None:
    """No commit is made, nothing is told, and no column of a record is unknown."""
    named_night(vault, org, "night-2", {"a": "Ana"})
    before = len(vault.commits(org))
    seen: list[SalvageEffect] = []
    assert vault.plan(org, Salvage()).effect == SalvageEffect()
    assert (
        vault.apply(org, unconditional(Salvage()), run="salvage-1", before_write=seen.append)
        == SalvageEffect()
    )
    assert seen == [SalvageEffect()]
    assert (len(vault.commits(org)), vault.past_operations(org, PastSalvage)) == (before, ())
    head = vault.newest_backup(org)
    assert head is not None
    assert head.unread("Thing", ["a"]) == {}


def test_what_stands_in_the_way_of_a_correction(vault: EncryptedVault, org: str) -> None:
    """A hold, a record that is not there, a column that was never there, and unclear wishes."""
    named_night(vault, org, "night-2", {"a": "Ana"})
    key, right = RecordKey("Thing", "a"), RightValue("Name", "Anna")
    for wish, code in (
        (Rectify(RecordKey("Thing", "never"), (right,)), "record-unknown"),
        (Rectify(key, (RightValue("Never", "x"),)), "column-unknown"),
        (Rectify(key, ()), "rectify-unclear"),
    ):
        with pytest.raises(UnlostError) as caught:
            vault.plan(org, wish)
        assert caught.value.code == code
    thing = HoldTarget(HoldScope.RECORD, "Thing", "a")
    vault.change_holds(org, placed=(Hold(thing),), run="hold-1")
    with pytest.raises(Conflict) as held:
        vault.apply(org, unconditional(Rectify(key, (right,))), run="rectify-1")
    assert held.value.code == "rectify-held"


# --- copies of homes -----------------------------------------------------------------------


def test_copies_of_homes_are_there_for_the_next_machine(vault: EncryptedVault) -> None:
    """They count from 1, whatever the content."""
    assert list(vault.homes.numbers()) == []
    assert vault.homes.newest() is None
    assert [vault.homes.store_copy(content) for content in (b"one", b"", b"x" * 400_000)] == [
        1,
        2,
        3,
    ]
    again = reopen(vault).homes
    assert list(again.numbers()) == [1, 2, 3]
    assert [again.get(number) for number in (1, 2, 3)] == [b"one", b"", b"x" * 400_000]
    assert again.newest() == b"x" * 400_000


def test_the_oldest_copies_of_homes_go(vault: EncryptedVault) -> None:
    """Their numbers are not used again."""
    for number in range(1, 35):
        assert vault.homes.store_copy(str(number).encode()) == number
    assert list(vault.homes.numbers()) == list(range(5, 35))
    with pytest.raises(NotFound) as caught:
        vault.homes.get(4)
    assert caught.value.code == "home-copy-unknown"


def line(
    old: str, live: str, target: str, *, table: str = "Thing", run: str = "run-1", since: int = 0
) -> Lineage:
    """A row of lineage."""
    return Lineage(table, old, live, target, run, since=since)


def begin(vault: EncryptedVault, org: str, run: str) -> Commit:
    """The commit of a restore."""
    return vault.begin(org, run=run, kind=CommitKind.RESTORE, identity=IDENTITY)


def finish(commit: Commit, *added: Added) -> SnapshotInfo:
    """Finish with these pieces."""
    return commit.finish([TableCommit(piece.table, (piece,)) for piece in added], as_of=START)


def restore(
    vault: EncryptedVault, org: str, run: str, rows: Sequence[Lineage] = ()
) -> SnapshotInfo:
    """A whole restore that ends with these rows."""
    commit = begin(vault, org, run)
    return finish(commit, commit.lineage(rows))


def named(cells: Mapping[str, str]) -> Rows:
    """Records with names."""
    count = len(cells)
    return Rows(
        ids=pa.array(list(cells), pa.string()),
        ops=pa.array(["U"] * count, pa.string()),
        modified_at=pa.nulls(count, pa.timestamp("ms", tz="UTC")),
        modified_by=pa.nulls(count, pa.string()),
        cells=pa.RecordBatch.from_arrays([pa.array(list(cells.values()))], names=["Name"]),
        observed_at=START,
    )


def named_night(
    vault: EncryptedVault, org: str, run: str, cells: Mapping[str, str]
) -> SnapshotInfo:
    """A backup of such records."""
    commit = begin(vault, org, run)
    commit.put_schema(NAMED)
    return commit.finish(
        [TableCommit("Thing", (commit.add("Thing", [named(cells)]),))], as_of=START
    )


def night(vault: EncryptedVault, org: str, run: str, *, schema: Schema = SCHEMA) -> SnapshotInfo:
    """A night that read one empty table."""
    commit = vault.begin(org, run=run, kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(schema)
    return commit.finish([TableCommit("Thing")], as_of=START)
