"""The file in which runs and the results of their steps are kept (SQLite).

A step's result is durable before the step counts as done. One file serves all threads of a process
and all processes of a home; SQLite's own locking keeps them apart.
"""

import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from unlost.model.errors import Conflict, NotFound, StoreError

FORMAT = 1
BUSY_SECONDS = 30.0

_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, kind TEXT NOT NULL, org TEXT NOT NULL, state TEXT NOT NULL,
    started TEXT NOT NULL, changed TEXT NOT NULL, resume_at TEXT, sentence TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX IF NOT EXISTS runs_by_org ON runs (kind, org, state);
CREATE TABLE IF NOT EXISTS steps (
    run TEXT NOT NULL REFERENCES runs (run) ON DELETE CASCADE,
    name TEXT NOT NULL, key TEXT NOT NULL, result BLOB NOT NULL,
    PRIMARY KEY (run, name, key)
) STRICT, WITHOUT ROWID;
"""


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

    def __init__(self, path: Path) -> None:
        """Open or make ``path``; raises StoreError where it cannot be used."""
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.DatabaseError as error:
            raise _unusable(path, error) from error
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise _unusable(path, error) from error
        except StoreError:
            self._db.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def start(self, run: str, *, kind: str, org: str, at: datetime) -> RunRecord:
        """Note a new run, or open a resumable one again; raises Conflict if it has ended."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            known = self._find(run)
            if known is not None and not known.state.resumable:
                raise Conflict("run-ended", f"The run {run} has ended and cannot go on.")
            if known is not None and (known.kind, known.org) != (kind, org):
                raise Conflict("run-taken", f"The run {run} belongs to other work.")
            self._db.execute(
                "INSERT INTO runs (run, kind, org, state, started, changed) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run) DO UPDATE "
                "SET state = excluded.state, resume_at = NULL",
                (run, kind, org, RunState.OPEN.value, _text(at), _text(at)),
            )
            found = self._find(run)
        assert found is not None
        return found

    def end(
        self,
        run: str,
        *,
        state: RunState,
        at: datetime,
        resume_at: datetime | None = None,
        sentence: str = "",
    ) -> None:
        """Note how a run ended or paused; the steps of a run that is done are dropped."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            changed = self._db.execute(
                "UPDATE runs SET state = ?, resume_at = ?, sentence = ?, "
                "changed = CASE WHEN ? THEN changed ELSE ? END WHERE run = ?",
                (
                    state.value,
                    _text(resume_at) if resume_at else None,
                    sentence,
                    state.resumable,
                    _text(at),
                    run,
                ),
            ).rowcount
            if not changed:
                raise NotFound("run-unknown", f"There is no run {run}.")
            if not state.resumable:
                self._db.execute("DELETE FROM steps WHERE run = ?", (run,))

    def run(self, run: str) -> RunRecord:
        """A run by its id; raises NotFound."""
        with self._lock:
            found = self._find(run)
        if found is None:
            raise NotFound("run-unknown", f"There is no run {run}.")
        return found

    def unfinished(self, *, kind: str, org: str) -> list[RunRecord]:
        """Runs of an org that may go on, the latest first."""
        states = [state.value for state in RunState if state.resumable]
        with self._lock:
            rows = self._db.execute(
                "SELECT run, kind, org, state, started, changed, resume_at, sentence FROM runs "
                "WHERE kind = ? AND org = ? AND state IN (SELECT value FROM json_each(?)) "
                "ORDER BY started DESC, rowid DESC",
                (kind, org, "[" + ",".join(f'"{state}"' for state in states) + "]"),
            ).fetchall()
        return [_record(row) for row in rows]

    def result(self, run: str, name: str, key: str) -> bytes | None:
        """The kept result of a step, or None if it is not done."""
        with self._lock:
            row = self._db.execute(
                "SELECT result FROM steps WHERE run = ? AND name = ? AND key = ?", (run, name, key)
            ).fetchone()
        return None if row is None else bytes(row[0])

    def keep(self, run: str, name: str, key: str, result: bytes, *, at: datetime) -> None:
        """Keep the result of a step; durable when this returns."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "INSERT OR REPLACE INTO steps (run, name, key, result) VALUES (?, ?, ?, ?)",
                (run, name, key, result),
            )
            self._db.execute("UPDATE runs SET changed = ? WHERE run = ?", (_text(at), run))

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        if found > FORMAT:
            self._db.close()
            raise StoreError(
                "jobs-newer",
                "The file of runs was written by a newer version of Unlost.",
                next_step="Use that version, or a newer one.",
            )
        self._db.executescript(_TABLES)
        self._db.execute(f"PRAGMA user_version = {FORMAT}")

    def _find(self, run: str) -> RunRecord | None:
        row = self._db.execute(
            "SELECT run, kind, org, state, started, changed, resume_at, sentence "
            "FROM runs WHERE run = ?",
            (run,),
        ).fetchone()
        return None if row is None else _record(row)


def _unusable(path: Path, error: sqlite3.DatabaseError) -> StoreError:
    return StoreError(
        "jobs-unreadable",
        f"The file of runs {path} cannot be used: {error}.",
        next_step="Move the file away; unfinished runs then begin again.",
    )


def _text(when: datetime) -> str:
    return when.astimezone(UTC).isoformat()


def _record(row: tuple[str, ...]) -> RunRecord:
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
