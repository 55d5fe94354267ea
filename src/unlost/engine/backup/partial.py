"""Between two nights: a few tables are asked for what changed, and all others stay as they were.

An hour reads no table whole and decides nothing that only a night can: where the shape of a table or
the rights of the user are not what the newest backup knows, the night reads it. What is left to the
night keeps its place in the vault to the letter: rows, cursor, census, and what is known of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from unlost.engine.backup.plan import BackupPlan, KnownState, Reason, TablePlan, plan_table
from unlost.engine.backup.policy import BackupPolicy
from unlost.engine.backup.table_progress import TableProgress
from unlost.model.errors import TransientError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.schema import Schema, Table


@dataclass(frozen=True, slots=True)
class DeferredTables:
    """A backup of a few tables that was not made: nothing was committed, and the night sees to it."""

    run: str
    sentence: str


def plan_part(
    schema: Schema, known: KnownState, only: Sequence[str], *, now: datetime, policy: BackupPolicy
) -> BackupPlan:
    """The plan for ``only`` some tables: those that can be asked for what changed.

    The snapshot keeps the schema of the one before. A census is taken where deletions are not told
    otherwise, or where one is owed; one that is merely due is the night's.
    """
    chosen = {name: schema.table(name) for name in only}
    plans = {
        name: plan_table(table, schema, known, now, policy, full=False)
        for name, table in chosen.items()
        if table is not None
    }
    causes = {name: deferral_reason(plans.get(name), schema, known) for name in chosen}
    read = [replace(plan, census=_reasons_now(plan)) for n, plan in plans.items() if not causes[n]]
    findings = tuple(_deferred_finding(name, cause) for name, cause in causes.items() if cause)
    return BackupPlan(tuple(read), (), known.schema, findings)


def deferral_reason(plan: TablePlan | None, schema: Schema, known: KnownState) -> str:
    """Why a table is left to the night, as the end of a sentence; empty if it is not."""
    if plan is None:
        return "the org does not tell of it any more"
    table = known.schema.table(plan.table.name)
    if table is None or Reason.FIRST_SIGHT in plan.reasons:
        return "no night has read it yet"
    if schema.fingerprint != known.schema.fingerprint:
        return "the rights of the backup user changed"
    if Reason.NO_CURSOR in plan.reasons:
        return "it cannot be asked for what changed"
    if not _same_columns(plan, table):
        return "its columns changed"
    return "it must be read in full" if plan.full else ""


def _same_columns(plan: TablePlan, table: Table) -> bool:
    """True if rows have the columns that the vault knows, and none was shown or hidden since."""
    kinds = {column.name: column.kind for column in plan.table.columns}
    kept = {column.name: column.kind for column in table.columns}
    if plan.now_hidden or plan.now_visible or kinds.keys() | set(plan.carry) != kept.keys():
        return False
    return all(kept[name] is kind for name, kind in kinds.items())


def _reasons_now(plan: TablePlan) -> tuple[Reason, ...]:
    """Why the ids are listed now already: not because a week is over."""
    return tuple(reason for reason in plan.census if reason is not Reason.DUE)


def _deferred_finding(table: str, cause: str) -> Finding:
    return deferred_to_night(table, f"{table} was left to the night: {cause}.")


def unread(accounts: Sequence[TableProgress]) -> tuple[Finding, ...]:
    """What is said of tables that could not be read; raises TransientError if none could."""
    failed = [(account.name, account.failure) for account in accounts if account.failure]
    if len(failed) == len(accounts):
        name, failure = failed[0]
        raise TransientError(
            "hourly-unread",
            f"{name} could not be read between two nights: {failure.sentence}",
            next_step=failure.next_step or "Nothing to do: it is tried again in an hour.",
        )
    return tuple(
        deferred_to_night(
            name, f"{name} could not be read: {failure.sentence}", detail=failure.code
        )
        for name, failure in failed
    )


def deferred_to_night(table: str, sentence: str, *, detail: str = "") -> Finding:
    """What is said of a chosen table that was not read; it is protected as of the night."""
    return Finding(
        FindingKind.LEFT_TO_NIGHT,
        Severity.NOTE,
        sentence,
        "Nothing to do: the next night reads it.",
        table,
        detail=detail,
    )
