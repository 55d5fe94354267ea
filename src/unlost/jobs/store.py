"""Where runs and the results of their steps are kept: in a file, or in a database that workers share.

A step's result is durable before the step counts as done. One store serves all threads of a process
and all processes of a home; the database keeps them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from unlost.jobs.databases import JobsDatabase, Row, Say, SqliteJobs
from unlost.model.errors import Conflict, NotFound, StoreError

FORMAT = 1


class RunState(StrEnum):
    """Where a run is. All but ``DONE`` and ``GIVEN_UP`` can be resumed."""

    OPEN = "open"  # running, or its process ended without saying anything
    PARKED = "parked"  # waits for an allowance, until ``resume_at``
    FAILED = "failed"  # ended with an error; may be tried again
    DONE = "done"
    GIVEN_UP = "given-up"

    @property
    def resumable(self) -> bool:
        """True if the run may go on."""
        return self not in (RunState.DONE, RunState.GIVEN_UP)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the store knows it. ``sentence`` says how it ended, where it did.

    ``changed`` is when it came a step further, or ended for good: a run that fails again and again
    at the same place grows old.
    """

    run: str
    kind: str
    org: str
    state: RunState
    started: datetime
    changed: datetime
    resume_at: datetime | None = None
    sentence: str = ""


class JobStore:
    """Runs and steps of one home. Open it once a process; its methods are safe in any thread."""

    def __init__(self, place: Path | str) -> None:
        """Open or make it: a file, or the URL of a PostgreSQL database; raises StoreError."""
        self._db = _opened(place)
        found = self._db.format()
        if found > FORMAT:
            self._db.close()
            raise StoreError(
                "jobs-newer",
                "The store of runs was written by a newer version of Unlost.",
                next_step="Use that version, or a newer one.",
            )
        self._db.prepare(FORMAT)

    def tidy(self) -> None:
        """Leave nothing of the steps of runs that have ended."""
        self._db.tidy()

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def start(self, run: str, *, kind: str, org: str, at: datetime) -> RunRecord:
        """Note a new run, or open a resumable one again; raises Conflict if it has ended."""
        return self._db.work(lambda say: _start(say, run, kind=kind, org=org, at=at))

    def end(
        self,
        run: str,
        *,
        state: RunState,
        at: datetime,
        resume_at: datetime | None = None,
        sentence: str = "",
    ) -> None:
        """Note how a run ended or paused; the steps of a run that is done are dropped.

        A run that has ended stays as it is: who comes later was held up while another ended it.
        """

        def note(say: Say) -> None:
            known = _need(say, run)
            if not known.state.resumable:
                return
            changed = known.changed if state.resumable else at
            until = _text(resume_at) if resume_at else None
            say(
                "UPDATE runs SET state = ?, resume_at = ?, sentence = ?, changed = ? WHERE run = ?",
                (state.value, until, sentence, _text(changed), run),
            )
            if not state.resumable:
                say("DELETE FROM steps WHERE run = ?", (run,))

        self._db.work(note)

    def run(self, run: str) -> RunRecord:
        """A run by its id; raises NotFound."""
        return self._db.work(lambda say: _need(say, run))

    def unfinished(self, *, kind: str, org: str) -> list[RunRecord]:
        """Runs of an org that may go on, the latest first."""
        states = [state.value for state in RunState if state.resumable]
        wanted = f"state IN ({', '.join('?' * len(states))})"
        sql = (
            f"{_COLUMNS} WHERE kind = ? AND org = ? AND {wanted} "
            f"ORDER BY started DESC, {self._db.order} DESC"
        )
        rows = self._db.work(lambda say: say(sql, (kind, org, *states)))
        return [_record(row) for row in rows]

    def result(self, run: str, name: str, key: str) -> bytes | None:
        """The kept result of a step, or None if it is not done."""
        sql = "SELECT result FROM steps WHERE run = ? AND name = ? AND key = ?"
        rows = self._db.work(lambda say: say(sql, (run, name, key)))
        return bytes(rows[0][0]) if rows else None

    def keep(self, run: str, name: str, key: str, result: bytes, *, at: datetime) -> None:
        """Keep the result of a step; durable when this returns."""

        def note(say: Say) -> None:
            say(
                "INSERT INTO steps (run, name, key, result) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (run, name, key) DO UPDATE SET result = excluded.result",
                (run, name, key, result),
            )
            say("UPDATE runs SET changed = ? WHERE run = ?", (_text(at), run))

        self._db.work(note)


_COLUMNS = "SELECT run, kind, org, state, started, changed, resume_at, sentence FROM runs"


def _start(say: Say, run: str, *, kind: str, org: str, at: datetime) -> RunRecord:
    known = _find(say, run)
    if known is not None and not known.state.resumable:
        raise Conflict("run-ended", f"The run {run} has ended and cannot go on.")
    if known is not None and (known.kind, known.org) != (kind, org):
        raise Conflict("run-taken", f"The run {run} belongs to other work.")
    say(
        "INSERT INTO runs (run, kind, org, state, started, changed) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run) DO UPDATE "
        "SET state = excluded.state, resume_at = NULL",
        (run, kind, org, RunState.OPEN.value, _text(at), _text(at)),
    )
    return _need(say, run)


def _need(say: Say, run: str) -> RunRecord:
    found = _find(say, run)
    if found is None:
        raise NotFound("run-unknown", f"There is no run {run}.")
    return found


def _find(say: Say, run: str) -> RunRecord | None:
    rows: Sequence[Row] = say(f"{_COLUMNS} WHERE run = ?", (run,))
    return _record(rows[0]) if rows else None


def _text(when: datetime) -> str:
    return when.astimezone(UTC).isoformat()


def _record(row: Row) -> RunRecord:
    run, kind, org, state, started, changed, resume_at, sentence = row
    return RunRecord(
        run,
        kind,
        org,
        RunState(state),
        datetime.fromisoformat(started),
        datetime.fromisoformat(changed),
        datetime.fromisoformat(resume_at) if resume_at else None,
        sentence,
    )


def _opened(place: Path | str) -> JobsDatabase:
    if isinstance(place, Path):
        return SqliteJobs(place)
    from unlost.jobs.postgres import PostgresJobs  # its client is loaded where there is a server

    return PostgresJobs(place)
