"""Estimate how far a run is, and when it ends. Pure.

A restore knows its total from its plan. A full backup reads about as many records as the backup
before it. Any other backup reads only what changed: its usual duration is known, and how many of
its tables are read.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from unlost.catalog.runs.runs import RunRecord, RunState
from unlost.model.vault.snapshot import CommitKind

USUAL = 15  # runs whose median duration is the usual one
MOST_SHARE = 0.99  # of a backup: the previous backup says only about how much there is to read
SOON = timedelta(seconds=10)  # a restore that runs for less says nothing about its speed


@dataclass(frozen=True, slots=True)
class TablesRead:
    """The tables that a backup has read, ``done`` of ``total``."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class GoingRun(RunRecord):
    """A run that is active or waits. ``share`` is the processed part, None if unknown.

    ``ends_at`` is the expected end, None if unknown. ``late``: it takes longer than usual.
    ``tables`` says how many tables a backup has read. ``purge``: true for a purge.
    """

    share: float | None = None
    ends_at: datetime | None = None
    late: bool = False
    tables: TablesRead | None = None
    purge: bool = False


def going_run(
    run: RunRecord,
    *,
    now: datetime,
    done: int,
    total: int | None,
    before: Sequence[RunRecord],
    tables: TablesRead | None = None,
    purge: bool = False,
) -> GoingRun:
    """Return a run with its progress.

    ``done`` of ``total`` records are processed. ``before`` are the runs of the org, newest first.
    ``tables`` counts nothing until a backup has planned its tables.
    """
    going = _estimated(run, now=now, done=done, total=total, before=before)
    planned = tables is not None and tables.total and run.kind is CommitKind.BACKUP
    return replace(going, tables=tables if planned else None, purge=purge)


def _estimated(
    run: RunRecord,
    *,
    now: datetime,
    done: int,
    total: int | None,
    before: Sequence[RunRecord],
) -> GoingRun:
    share = min(done / total, 1.0) if total else None
    if run.state is not RunState.RUNNING:
        return _with(run, share)
    if run.kind is not CommitKind.BACKUP:
        return _with(run, share, _at_this_rate(run, now, share))
    share = min(share, MOST_SHARE) if share is not None else None
    usual = usual_duration(run, before)
    if usual is None or run.went_on_at is not None:  # a resumed run has done a part before
        return _with(run, share)
    ends_at = run.started_at + usual
    return _with(run, share, ends_at if ends_at > now else None, late=ends_at <= now)


def _with(
    run: RunRecord, share: float | None, ends_at: datetime | None = None, *, late: bool = False
) -> GoingRun:
    known = {field.name: getattr(run, field.name) for field in fields(run)}
    return GoingRun(**known, share=share, ends_at=ends_at, late=late)


def usual_duration(run: RunRecord, before: Iterable[RunRecord]) -> timedelta | None:
    """Return the median duration of the newest runs of the same kind; None if there is none."""
    lasted = [
        (known.ended_at - known.started_at).total_seconds()
        for known in before
        if known.state is RunState.DONE
        and known.ended_at is not None
        and known.went_on_at is None
        and (known.kind, known.full, known.hourly) == (run.kind, run.full, run.hourly)
    ]
    return timedelta(seconds=statistics.median(lasted[:USUAL])) if lasted else None


def _at_this_rate(run: RunRecord, now: datetime, share: float | None) -> datetime | None:
    elapsed = now - run.started_at
    if not share or run.went_on_at is not None or elapsed < SOON:
        return None
    return now + elapsed * ((1 - share) / share)
