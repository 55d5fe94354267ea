"""Files of records on legal hold, among the records that an undo would delete.

    Account (on hold) ◀─holder─ link ─file─▶ file ◀─file─ version

The hold covers the account. The link, the file and all its versions stay with it, although none of
them is on hold itself.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlost.engine.restore.values.cells import Cells
from unlost.model.plan import RecordKey
from unlost.model.source.shared_files import SharedFile
from unlost.model.vault.retention import HoldScope, HoldTarget

type Rows = Mapping[str, Cells]
type ReadRows = Callable[[str, Sequence[str], Sequence[str]], Rows]
"""Read these columns of live records of a table; none if the org does not have the table."""
type ReadReferring = Callable[[str, str, Sequence[str]], Collection[str]]
"""The live records of a table in which a column names one of these records."""


@dataclass(frozen=True, slots=True)
class FilesOnHold:
    """Finds the files that records on hold have in the org now.

    ``records``: ids in the vault of live records, by their live ids. A hold may name either.
    """

    kinds: Sequence[SharedFile]
    targets: Sequence[HoldTarget]
    records: Mapping[str, str]
    rows: ReadRows
    referring: ReadReferring

    def among(self, doomed: Collection[RecordKey]) -> frozenset[RecordKey]:
        """The links, files and versions that stay with a record on hold."""
        if not self.targets:
            return frozenset()
        return frozenset(key for kind in self.kinds for key in self._of(kind, doomed))

    def _of(self, kind: SharedFile, doomed: Collection[RecordKey]) -> Iterator[RecordKey]:
        versions = self._versions(kind, doomed)
        files = sorted({*_ids(doomed, kind.table), *versions.values()})
        links = {*_ids(doomed, kind.links)}
        if files:  # also links that the run did not bring
            links.update(self.referring(kind.links, kind.file_column, files))
        columns = (kind.file_column, kind.holder_column)
        rows = self.rows(kind.links, sorted(links), columns) if links else {}
        holders = {str(cells[kind.holder_column]) for cells in rows.values()}
        covered = {
            holder for target in self.targets for holder in self._covered_by(target, holders)
        }
        having = {link: c for link, c in rows.items() if c[kind.holder_column] in covered}
        kept_files = {cells[kind.file_column] for cells in having.values()}
        staying = {RecordKey(kind.links, link) for link in having}
        staying |= {RecordKey(kind.table, str(file)) for file in kept_files}
        yield from staying & {*doomed}
        if kind.versions is not None:
            table = kind.versions.rule.table
            yield from (RecordKey(table, v) for v, file in versions.items() if file in kept_files)

    def _versions(self, kind: SharedFile, doomed: Collection[RecordKey]) -> Mapping[str, str]:
        """The versions that would be deleted, with their files."""
        rule = kind.versions.rule if kind.versions is not None else None
        ids = _ids(doomed, rule.table) if rule is not None else []
        if rule is None or not ids:
            return {}
        rows = self.rows(rule.table, ids, (rule.file_column,))
        return {version: str(cells[rule.file_column]) for version, cells in rows.items()}

    def _covered_by(self, target: HoldTarget, records: Collection[str]) -> Iterator[str]:
        """Those of these records, of any table, that a hold covers."""
        if target.scope is HoldScope.ORG:
            yield from records
        elif target.scope is HoldScope.TABLE:
            yield from self.rows(target.table, sorted(records), ())
        elif target.scope is HoldScope.RECORD:
            yield from (r for r in records if target.record in (r, self.records.get(r)))


def _ids(keys: Collection[RecordKey], table: str) -> list[str]:
    return sorted(key.record for key in keys if key.table == table)
