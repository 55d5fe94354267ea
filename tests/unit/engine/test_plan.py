"""The plan of a backup: what is read in full, what is counted, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from unlost.engine.backup.known import rights_since
from unlost.engine.backup.plan import KnownState, Reason, TablePlan, plan_backup
from unlost.engine.backup.policy import BackupPolicy, CensusPolicy
from unlost.engine.backup.rights import RightsHistory, rights_changed
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.reading import Cursor
from unlost.model.source.schema import ALL_ROWS, Column, Schema, Table, TableTrait, WireKind
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo, TableState

NOW = datetime(2026, 3, 9, tzinfo=UTC)
ALL = frozenset({TableTrait.INCREMENTAL, TableTrait.REPORTS_DELETES, TableTrait.CENSUS})
NAME, PHONE = Column("Name", WireKind.TEXT), Column("Phone", WireKind.TEXT)
TABLE = Table("Account", (NAME, PHONE), traits=ALL)
DAY = timedelta(days=1)
UNKNOWN_FILE = Finding(FindingKind.FILE_UNREADABLE, Severity.GAP, "Some file.")
STATE = TableState("Account", 5, 0, Cursor("c"), NOW - DAY, NOW - DAY, NOW - DAY, 1)


def planned(
    table: Table = TABLE,
    held: Table | None = TABLE,
    state: TableState | None = STATE,
    *,
    rights: frozenset[str] = frozenset({"r"}),
    hidden: frozenset[str] = frozenset(),
    missing_files: tuple[Finding, ...] = (),
    full: bool = False,
    policy: BackupPolicy | None = None,
) -> TablePlan:
    known = KnownState(
        Schema((held,) if held else (), "r"),
        {"Account": state} if state else {},
        {"Account": RightsHistory.of(frozenset({right}) for right in rights)} if state else {},
        {"Account": hidden},
        {"Account": missing_files},
    )
    plan = plan_backup(
        Schema((table,), "r"), known, now=NOW, policy=policy or BackupPolicy(), full=full
    )
    return plan.tables[0]


def test_an_ordinary_night_reads_what_changed() -> None:
    plan = planned()
    assert (plan.since, plan.reasons, plan.census, plan.trusted) == (Cursor("c"), (), (), True)


def test_a_file_that_stays_unreadable_made_its_table_be_read_whole_every_night() -> None:
    finding = replace(UNKNOWN_FILE, detail="001")
    plan = planned(missing_files=(finding,))
    assert (plan.since, plan.missing_files) == (Cursor("c"), (finding,))


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (planned(held=None, state=None), Reason.FIRST_SIGHT),
        (planned(state=replace(STATE, window_start=None)), Reason.FIRST_SIGHT),
        (planned(full=True), Reason.REQUESTED),
        (planned(state=replace(STATE, cursor=None)), Reason.NO_CURSOR),
        (planned(replace(TABLE, traits=ALL - {TableTrait.INCREMENTAL})), Reason.NO_CURSOR),
        (planned(held=replace(TABLE, columns=(NAME,))), Reason.COLUMN_APPEARED),
        (planned(held=replace(TABLE, hidden=("Phone",))), Reason.COLUMN_APPEARED),
        (
            planned(held=replace(TABLE, columns=(NAME, Column("Phone", WireKind.DECIMAL)))),
            Reason.COLUMN_RETYPED,
        ),
        (planned(replace(TABLE, image_columns=("Phone",))), Reason.IMAGES_APPEARED),
        (planned(rights=frozenset({"r", "older"})), Reason.RIGHTS_CHANGED),
        (planned(missing_files=(UNKNOWN_FILE,)), Reason.FILES_MISSING),
        (
            planned(
                state=replace(
                    STATE, finding=Finding(FindingKind.TABLE_REFUSED, Severity.GAP, "No.")
                )
            ),
            Reason.MISSED_BEFORE,
        ),
    ],
)
def test_a_full_read_is_also_a_census(plan: TablePlan, reason: Reason) -> None:
    assert plan.since is None
    assert plan.full
    assert reason in plan.reasons
    assert plan.census
    cheap = {Reason.FIRST_SIGHT, Reason.NO_CURSOR} & set(plan.reasons)
    assert plan.lists_ids is not bool(cheap)
    assert plan.trusted is (Reason.RIGHTS_CHANGED not in plan.reasons)


@pytest.mark.parametrize(
    ("plan", "census"),
    [
        (planned(state=replace(STATE, census_at=NOW - 7 * DAY)), (Reason.DUE,)),
        (planned(state=replace(STATE, census_at=None)), (Reason.DUE,)),
        (planned(policy=BackupPolicy(census=CensusPolicy.EVERY_NIGHT)), (Reason.DUE,)),
        (
            planned(replace(TABLE, traits=ALL - {TableTrait.REPORTS_DELETES})),
            (Reason.DELETES_NOT_REPORTED,),
        ),
        (
            planned(
                state=replace(
                    STATE, finding=Finding(FindingKind.DELETES_UNPROVED, Severity.GAP, "?")
                )
            ),
            (Reason.OWED,),
        ),
        (
            planned(
                replace(TABLE, traits=ALL - {TableTrait.CENSUS}),
                state=replace(STATE, census_at=None),
            ),
            (),
        ),
    ],
)
def test_when_ids_are_listed(plan: TablePlan, census: tuple[Reason, ...]) -> None:
    assert not plan.full
    assert plan.census == census


def test_hidden_columns_are_carried_while_they_are_hidden_and_dropped_ones_are_not() -> None:
    seen = replace(TABLE, columns=(NAME,), hidden=("Phone", "Never"))
    plan = planned(seen)
    assert (plan.carry, plan.now_hidden, plan.now_visible) == (("Phone",), ("Phone",), ())
    plan = planned(seen, hidden=frozenset({"Phone"}))
    assert (plan.carry, plan.now_hidden) == (("Phone",), ())
    plan = planned(TABLE, hidden=frozenset({"Phone"}))
    assert plan.now_visible == ("Phone",)
    plan = planned(replace(TABLE, columns=(NAME,)))
    assert (plan.carry, plan.full) == ((), False)


def test_a_table_that_is_gone_stays_in_the_schema() -> None:
    known = KnownState(Schema((TABLE,), "r"), {"Account": STATE})
    plan = plan_backup(Schema((), "r"), known, now=NOW, policy=BackupPolicy())
    assert plan.gone == ("Account",)
    assert plan.schema.tables == (TABLE,)


def night(number: int, day: int) -> SnapshotInfo:
    when = NOW + day * DAY
    return SnapshotInfo("o", number, "", str(number), CommitKind.BACKUP, when, when, when)


def test_the_rights_since_a_census_include_its_own_night() -> None:
    nights = [night(1, 0), night(2, 1), night(3, 2)]
    rights = [{"Account": frozenset({right, "all"})} for right in "abc"]
    at = replace(STATE, census_at=NOW + DAY + timedelta(hours=1))
    assert rights_since(at, nights, rights, cut=True) == history("bc", "all")
    older = replace(STATE, census_at=NOW - DAY)
    assert rights_since(older, nights, rights, cut=True) == RightsHistory(
        frozenset({"a", "b", "c", "all", "unknown"}), frozenset()
    )
    never = replace(STATE, census_at=None)
    assert rights_since(never, nights, rights, cut=False) == history("abc", "all")
    other = replace(STATE, table="Contact")
    assert rights_since(other, nights, rights, cut=False).lost(frozenset({"all"}))


def history(ever: str, always: str) -> RightsHistory:
    return RightsHistory(frozenset(ever) | {always}, frozenset({always}))


def test_who_sees_all_rows_has_lost_no_grant_of_rows() -> None:
    narrow = RightsHistory.of([frozenset({"rows:mine"})])
    assert narrow.lost(frozenset({"rows:other"}))
    assert not narrow.lost(frozenset({ALL_ROWS}))
    assert narrow.changed(frozenset({ALL_ROWS}))
    assert RightsHistory.of([frozenset({ALL_ROWS, "x"})]).lost(frozenset({ALL_ROWS}))


def test_rights_that_were_gained_call_for_a_full_read_in_which_absence_counts() -> None:
    table = replace(TABLE, grants=(ALL_ROWS,))
    known = KnownState(
        Schema((TABLE,), "r"),
        {"Account": STATE},
        {"Account": RightsHistory.of([frozenset({"rows:mine"})])},
    )
    plan = plan_backup(Schema((table,), "s"), known, now=NOW, policy=BackupPolicy()).tables[0]
    assert plan.reasons == (Reason.RIGHTS_CHANGED,)
    assert plan.trusted


@pytest.mark.parametrize(
    ("after", "severity"),
    [
        (frozenset({ALL_ROWS}), None),
        (frozenset({ALL_ROWS, "more"}), Severity.NOTE),
        (frozenset({"rows:mine"}), Severity.GAP),
        (frozenset[str](), Severity.GAP),
    ],
)
def test_rights_at_the_end(after: frozenset[str], severity: Severity | None) -> None:
    finding = rights_changed(TABLE, before=frozenset({ALL_ROWS}), after=after)
    assert (finding.severity if finding is not None else None) is severity
