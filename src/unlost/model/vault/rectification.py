"""Rectification: replace a wrong value of a record in the whole history of an org."""

from dataclasses import dataclass

from unlost.model.errors import Conflict, UsageError
from unlost.model.plan import RecordKey
from unlost.model.source.schema import Table
from unlost.model.vault.erasure_proof import TableErased
from unlost.model.vault.maintenance import MaintenanceOperation, digest_of


@dataclass(frozen=True, slots=True)
class RightValue:
    """The correct value of a column; None empties it."""

    column: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Rectification:
    """The effect of a rectification, planned or applied.

    ``records``: the requested one and the ones it was restored as. ``tables``: number of records
    and versions that change, in the record's table and in the org's own change log. ``columns``:
    columns that change, as TABLE.COLUMN. ``current``: columns that are wrong in the newest version
    too, so that the org must be corrected as well. Other attributes: see ``Erasure``.
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

    Every version of the record that has the column gets the value; with ``was``, only versions with
    that old value (empty text: versions with an empty cell). ``by``: the role of the person who
    asked, which is part of the proof.
    """

    record: RecordKey
    values: tuple[RightValue, ...]
    was: str | None = None
    by: str = ""

    def digest(self, effect: Rectification) -> str:
        """Hash the changes and the new values."""
        changes = (effect.records, effect.tables, effect.columns, effect.files, effect.journals)
        return digest_of(changes, self)

    def changed(self) -> Conflict:
        """Return the error for a plan whose effect has changed."""
        return Conflict(
            "rectify-changed",
            "The plan is out of date: other data would be corrected now. Nothing was changed.",
            next_step="Review the new plan with `unlost rectify ORG --record TABLE/ID --set "
            "COLUMN=VALUE --plan`, then decide again.",
        )


def check_free(table: Table | None, operation: Rectify) -> None:
    """Raise UsageError (``rectify-fixed``) for a column also stored outside its cells."""
    for value in operation.values:
        why = _why_fixed(table, value.column) if table is not None else ""
        if why:
            raise UsageError(
                "rectify-fixed",
                "{column} of {table} cannot be corrected: {why}.",
                next_step="Leave it out. To remove the name of a file, erase its record.",
                column=value.column,
                table=operation.record.table,
                why=why,
            )


def _why_fixed(table: Table, column: str) -> str:
    if column == table.id_column:
        return "it identifies the record"
    if column in (table.modified_column, table.modified_by_column):
        return "it shows when the record was changed, or by whom"
    files = ((f.name_column, f.size_column, f.checksum_column, f.type_column) for f in table.files)
    if any(column in file for file in files):
        return "it describes a file, and is also stored with the content of the file"
    return ""
