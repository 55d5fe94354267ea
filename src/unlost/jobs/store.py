"""Results of the steps of unfinished runs: in a file, or in a database that workers share.

One row for each finished step. ``key`` is empty for a step that runs once, and names the item for a
step that a run maps over many (here: tables):

  run                       name       key      result (JSON)
  backup-20261127t0100-3f2  begin               {"as_of": "2026-11-27T01:00:02Z", ...}
  backup-20261127t0100-3f2  discover            {"tables": [...], ...}
  backup-20261127t0100-3f2  census     Account  {"live": 812, ...}

A result is durable before its step counts as done. The state of a run (running, parked, failed) is
not stored here: the catalog's table of runs is its only place, so no code must reconcile two.
Deleting the store makes unfinished runs start again. One store serves all threads of a process and
all processes of a home; the database isolates them. See docs/adr/0012.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from unlost.jobs.databases import Execute, Row, SqliteSteps, StepsDatabase
from unlost.model.errors import StoreError

FORMAT = 1


class StepStore:
    """Step results of one home. Open it once in a process; its methods are safe in any thread."""

    def __init__(self, place: Path | str) -> None:
        """Open or create a file, or use the PostgreSQL database of a URL; raises StoreError."""
        self._db = _opened(place)
        present = self._db.format()
        if present > FORMAT:
            self._db.close()
            raise StoreError(
                "steps-newer",
                "The store of step results was written by a newer version of Unlost.",
                next_step="Use that version or a newer version.",
            )
        self._db.prepare(FORMAT)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def result(self, run: str, name: str, key: str) -> bytes | None:
        """The result of a step, or None if it is not done."""
        sql = "SELECT result FROM steps WHERE run = ? AND name = ? AND key = ?"
        rows = self._execute(sql, (run, name, key))
        return bytes(rows[0][0]) if rows else None

    def keep(self, run: str, name: str, key: str, result: bytes, *, at: datetime) -> None:
        """Store the result of a step, durable on return."""
        self._execute(
            "INSERT INTO steps (run, name, key, result, at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (run, name, key) DO UPDATE SET result = excluded.result, at = excluded.at",
            (run, name, key, result, at.astimezone(UTC).isoformat()),
        )

    def last_at(self, run: str) -> datetime | None:
        """The time of a run's last finished step; None if it has none.

        A run that keeps failing at the same step expires by this time.
        """
        rows = self._execute("SELECT max(at) FROM steps WHERE run = ?", (run,))
        return datetime.fromisoformat(rows[0][0]) if rows[0][0] else None

    def runs(self) -> Sequence[str]:
        """Runs with step results."""
        return [run for (run,) in self._execute("SELECT DISTINCT run FROM steps", ())]

    def drop(self, run: str) -> None:
        """Delete the step results of a run."""
        self._execute("DELETE FROM steps WHERE run = ?", (run,))

    def tidy(self) -> None:
        """Remove all traces of deleted results from the file."""
        self._db.tidy()

    def _execute(self, sql: str, values: Sequence[object]) -> Sequence[Row]:
        def call(execute: Execute) -> Sequence[Row]:
            return execute(sql, values)

        return self._db.work(call)


def _opened(place: Path | str) -> StepsDatabase:
    if isinstance(place, Path):
        return SqliteSteps(place)
    # the client of PostgreSQL is loaded only where it is used
    from unlost.jobs.postgres import PostgresSteps

    return PostgresSteps(place)
