"""Results of the steps of unfinished runs: in a file, or in a database that workers share.

A step's result is durable before the step counts as done. How a run stands is not known here: the
catalogue's runs are its only state. One store serves all threads of a process and all processes of a
home; the database keeps them apart. See docs/adr/0012.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from unlost.jobs.databases import Row, Say, SqliteSteps, StepsDatabase
from unlost.model.errors import StoreError

FORMAT = 1


class StepStore:
    """Step results of one home. Open it once a process; its methods are safe in any thread."""

    def __init__(self, place: Path | str) -> None:
        """Open or make it: a file, or the URL of a PostgreSQL database; raises StoreError."""
        self._db = _opened(place)
        present = self._db.format()
        if present > FORMAT:
            self._db.close()
            raise StoreError(
                "steps-newer",
                "The store of step results was written by a newer version of Unlost.",
                next_step="Use that version, or a newer one.",
            )
        self._db.prepare(FORMAT)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def result(self, run: str, name: str, key: str) -> bytes | None:
        """The result of a step, or None if it is not done."""
        sql = "SELECT result FROM steps WHERE run = ? AND name = ? AND key = ?"
        rows = self._say(sql, (run, name, key))
        return bytes(rows[0][0]) if rows else None

    def keep(self, run: str, name: str, key: str, result: bytes, *, at: datetime) -> None:
        """Keep the result of a step; durable when this returns."""
        self._say(
            "INSERT INTO steps (run, name, key, result, at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (run, name, key) DO UPDATE SET result = excluded.result, at = excluded.at",
            (run, name, key, result, at.astimezone(UTC).isoformat()),
        )

    def last_at(self, run: str) -> datetime | None:
        """When the last step of a run was done; None if none is.

        A run that fails again and again at the same place grows old by this.
        """
        rows = self._say("SELECT max(at) FROM steps WHERE run = ?", (run,))
        return datetime.fromisoformat(rows[0][0]) if rows[0][0] else None

    def runs(self) -> Sequence[str]:
        """Runs of which there are step results."""
        return [run for (run,) in self._say("SELECT DISTINCT run FROM steps", ())]

    def drop(self, run: str) -> None:
        """Drop the step results of a run."""
        self._say("DELETE FROM steps WHERE run = ?", (run,))

    def tidy(self) -> None:
        """Leave no trace in the file of what was dropped."""
        self._db.tidy()

    def _say(self, sql: str, values: Sequence[object]) -> Sequence[Row]:
        def call(say: Say) -> Sequence[Row]:
            return say(sql, values)

        return self._db.work(call)


def _opened(place: Path | str) -> StepsDatabase:
    if isinstance(place, Path):
        return SqliteSteps(place)
    from unlost.jobs.postgres import PostgresSteps  # its client is loaded where there is a server

    return PostgresSteps(place)
