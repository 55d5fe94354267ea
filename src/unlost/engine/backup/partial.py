"""Hourly backups: read the changes of a few tables, and leave all others as they were.

An hourly run reads no table whole and decides nothing that needs the nightly run, which covers all
tables: a table whose schema or rights differ from the newest backup is left to it. It keeps its place in the
vault exactly: rows, cursor, census, and certificate line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from unlost.engine.backup.plan import BackupPlan, KnownState, Reason, TablePlan, plan_table
from unlost.engine.backup.policy import BackupPolicy
from unlost.engine.backup.table_progress import TableProgress
from unlost.model.errors import TransientError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import Message
from unlost.model.source.schema import Schema, Table


@dataclass(frozen=True, slots=True)
class DeferredTables:
    """An hourly backup that was not made: the next nightly run reads its tables."""

    run: str
    message: Message


def plan_part(
    schema: Schema, known: KnownState, only: Sequence[str], *, now: datetime, policy: BackupPolicy
) -> BackupPlan:
    """The plan for the tables of ``only`` whose changes can be queried.

    The snapshot keeps the schema of the one before. A census is taken if deletions are not reported
    otherwise, or if one is owed; a census that is merely due is left to the nightly run.
    """
    chosen, grants = {name: schema.table(name) for name in only}, schema.grants()
    plans = {
        name: plan_table(table, grants[name], known, now, policy, full=False)
        for name, table in chosen.items()
        if table is not None
    }
    causes = {name: deferral_reason(plans.get(name), known) for name in chosen}
    read = [
        replace(plan, census=_reasons_now(plan), nightly=None)
        for name, plan in plans.items()
        if not causes[name]
    ]
    findings = tuple(_deferred_finding(name, cause) for name, cause in causes.items() if cause)
    return BackupPlan(tuple(read), (), known.schema, findings)


def deferral_reason(plan: TablePlan | None, known: KnownState) -> str:
    """The reason for leaving a table to the nightly run, as the end of a sentence; or empty."""
    if plan is None:
        return "the org no longer lists it"
    table = known.schema.table(plan.table.name)
    if table is None or Reason.FIRST_SIGHT in plan.reasons:
        return "no nightly backup has read it yet"
    if Reason.RIGHTS_CHANGED in plan.reasons:
        return "the permissions of the backup user changed"
    if Reason.NO_CURSOR in plan.reasons:
        return "the org cannot list its changes"
    if not _same_columns(plan, table):
        return "its columns changed"
    return "it must be read in full" if plan.full else ""


def _same_columns(plan: TablePlan, table: Table) -> bool:
    """True if rows have the vault's columns, and none was shown or hidden since."""
    kinds = {column.name: column.kind for column in plan.table.columns}
    wire_kinds = {column.name: column.kind for column in table.columns}
    if plan.now_hidden or plan.now_visible or kinds.keys() | set(plan.carry) != wire_kinds.keys():
        return False
    return all(wire_kinds[name] is kind for name, kind in kinds.items())


def _reasons_now(plan: TablePlan) -> tuple[Reason, ...]:
    """The reasons to list the ids now, other than an interval that is over."""
    return tuple(reason for reason in plan.census if reason is not Reason.DUE)


def _deferred_finding(table: str, cause: str) -> Finding:
    return deferred_to_night(
        table, "{name} was left to the nightly backup: {cause}.", name=table, cause=cause
    )


def unread(progresses: Sequence[TableProgress]) -> tuple[Finding, ...]:
    """Findings for tables that could not be read; raises TransientError if none could."""
    failed = [(progress.name, progress.failure) for progress in progresses if progress.failure]
    if len(failed) == len(progresses):
        name, failure = failed[0]
        raise TransientError(
            "hourly-unread",
            "The hourly backup could not read {name}: {sentence}",
            next_step="{step}"
            if failure.next_step
            else "No action is needed. The next hourly backup tries again.",
            name=name,
            sentence=failure.message,
            step=failure.message.step,
        )
    return tuple(
        deferred_to_night(
            name,
            "{name} could not be read: {reason}",
            detail=failure.code,
            name=name,
            reason=failure.message,
        )
        for name, failure in failed
    )


def deferred_to_night(table: str, template: str, *, detail: str = "", **args: Any) -> Finding:
    """The finding for a chosen table that was not read; it is protected as of the last nightly run."""
    return Finding.of(
        FindingKind.LEFT_TO_NIGHT,
        Severity.NOTE,
        template,
        "No action is needed. The next nightly backup reads it.",
        table,
        detail=detail,
        **args,
    )
