"""Few rows of many tables: they wait for the end of their run, to be written together."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from unlost.model.reading import Rows
from unlost.model.snapshot import Added


class Waiting(Protocol):
    """What an open commit does with tables of which little has changed."""

    def add_few(self, table: str, rows: Iterable[Rows], *, carry: Sequence[str] = ()) -> Added:
        """As ``add``; but where it comes to few rows, the piece itself holds them (``held``).

        They are durable where the piece is, and can be read only while the run is open.
        """
        ...

    def recall(self, added: Iterable[Added]) -> None:
        """Know again the rows that pieces hold which an earlier process was given; others are known.

        Whoever goes on with a run calls this before it adds more of the same table.
        """
        ...
