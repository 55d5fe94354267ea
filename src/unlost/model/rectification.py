"""Rectifying: a wrong value of a record is replaced in all history of an org."""

from dataclasses import dataclass

from unlost.model.erasure import TableErased
from unlost.model.errors import Conflict, UsageError
from unlost.model.maintenance import MaintenanceOperation, digest_of
from unlost.model.plan import RecordKey
from unlost.model.schema import Table


@dataclass(frozen=True, slots=True)
class RightValue:
    """What a column has in truth; None: nothing."""

    column: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Rectification:
    """What rectifying replaces, or replaced.

    ``records``: the one that was named and those that it came back as. ``tables``: how many records
    and versions change, of the record's table and of the org's own log of its changes. ``columns`` are those
    in which something changes, as TABLE.COLUMN. ``current`` are columns of which the newest version
    is wrong too: the org has to be corrected as well. The rest as in an ``Erasure``.
    """

    records: tuple[RecordKey, ...] = ()
    tables: tuple[TableErased, ...] = ()
    columns: tuple[str, ...] = ()
    current: tuple[str, ...] = ()
    files: int = 0
    file_bytes: int = 0
    journals: tuple[str, ...] = ()
    certificates: int = 0
    rewritten: int = 0
    elsewhere: tuple[tuple[str, RecordKey], ...] = ()
    removed: int = 0
    snapshot: int | None = None


@dataclass(frozen=True, slots=True)
class Rectify(MaintenanceOperation[Rectification]):
    """Replace values of a record in all history.

    In every version of the record that has a column, it gets the value; with ``was`` only where it has
    that one now (an empty text: where it is empty). ``by``: the role of who asked, which the proof tells.
    """

    record: RecordKey
    values: tuple[RightValue, ...]
    was: str | None = None
    by: str = ""

    def digest(self, effect: Rectification) -> str:
        """Name what changes and into what."""
        changes = (effect.records, effect.tables, effect.columns, effect.files, effect.journals)
        return digest_of(changes, self)

    def changed(self) -> Conflict:
        """The error for a plan whose effect would be another one by now."""
        return Conflict(
            "rectify-changed",
            "Something else would be corrected by now than the plan said. Nothing was changed.",
            next_step="Look at the plan again, with `unlost rectify ORG --plan`, and decide anew.",
        )


def check_free(table: Table | None, wish: Rectify) -> None:
    """Raise UsageError (``rectify-fixed``) for a column that is kept elsewhere than in its cells too."""
    for value in wish.values:
        why = _why_fixed(table, value.column) if table is not None else ""
        if why:
            raise UsageError(
                "rectify-fixed",
                f"{value.column} of {wish.record.table} cannot be corrected: {why}.",
                next_step="Leave it out. To take away what a file is called, erase its record.",
            )


def _why_fixed(table: Table, column: str) -> str:
    if column == table.id_column:
        return "it says which record it is"
    if column in (table.modified_column, table.modified_by_column):
        return "it says when the record was changed, or by whom"
    files = ((f.name_column, f.size_column, f.checksum_column, f.type_column) for f in table.files)
    if any(column in file for file in files):
        return "it tells of a file, and stands beside its content too"
    return ""
