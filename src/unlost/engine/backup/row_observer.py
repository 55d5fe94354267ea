"""Observes rows on their way from the source into the vault: ids, files, references."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.backup.session import BackupSession, from_source, source_errors
from unlost.engine.named_rows import TABLE, TEXT, names_in
from unlost.engine.numbers import all_numbers, without_binary_digits
from unlost.engine.rows import chosen
from unlost.engine.sameness import NUMBERS
from unlost.engine.temp_rows import FILES, REFERENCES, SEEN, TempRows, TempRowsWriter
from unlost.model.decoders import decoder_for
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.named_records import names_ids
from unlost.model.runs.progress import Phase, Progress
from unlost.model.source.reading import FileRef, Op, Page, Rows
from unlost.model.source.schema import Column, Table, WireKind
from unlost.model.vault.snapshot import Added, Visibility


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The additions of one read to the commit, and its observations: a JSON value.

    ``again``: rows that were hidden and are visible again; ``marked`` records that in the commit.
    """

    table: str
    added: Added
    seen: TempRows
    files: TempRows
    references: TempRows
    marked: Added | None = None
    again: tuple[str, ...] = ()
    rows: int = 0
    bytes: int = 0
    findings: tuple[Finding, ...] = ()
    wants_census: bool = False
    incomplete: bool = False

    @property
    def pieces(self) -> tuple[Added, ...]:
        """Everything that belongs in the commit."""
        return (self.added,) if self.marked is None else (self.added, self.marked)


class RowObserver:
    """Collects ids, files and references of one read in separate temporary files."""

    def __init__(self, session: BackupSession, table: str, name: str, phase: Phase) -> None:
        self._session = session
        self._phase = phase
        self._table = session.table(table).table
        self._hidden = session.hidden(table)
        folder = session.folder
        self._seen = TempRowsWriter(folder, f"{name}.seen", SEEN)
        self._files = TempRowsWriter(folder, f"{name}.files", FILES)
        self._references = TempRowsWriter(folder, f"{name}.refs", REFERENCES)
        described = {plan.table.name for plan in session.plan.tables}
        self._pointing = [
            column
            for column in self._table.columns
            if column.reference is not None
            and names_ids(column)
            and described & set(column.reference.tables)
        ]
        # references of unchanged rows were checked when these were first read
        if phase is Phase.AUDIT:
            self._pointing = []
        self._numbers = [column for column in self._table.columns if column.kind in NUMBERS]
        self._strange: set[str] = set()
        self._again: list[str] = []
        self._findings: list[Finding] = []
        self._bytes = 0
        self._wants_census = False
        self._incomplete = False

    def passing(self, pages: Iterator[Page]) -> Iterator[Rows]:
        """The rows of the pages, observed; rows of erased records are removed."""
        for page in from_source(pages):
            rows = self._plain(self._not_ahead(page.rows))
            rows = self._session.commit.admitted(self._table.name, rows)
            admitted = replace(page, rows=rows)
            self._note(admitted)
            yield rows

    def close(self, added: Added) -> ReadResult:
        """Make the observations durable; mark hidden rows that were seen again as visible."""
        marked = None
        again = tuple(sorted(set(self._again)))
        if again:
            marked = self._session.commit.mark(
                self._table.name, visibility=Visibility.VISIBLE, records=again
            )
        rows = self._seen.rows
        return ReadResult(
            self._table.name,
            added,
            self._seen.close(),
            self._files.close(),
            self._references.close(),
            marked,
            again,
            rows,
            self._bytes,
            (
                *self._findings,
                *(_no_numbers(self._table, c) for c in self._numbers if c.name in self._strange),
            ),
            self._wants_census,
            self._incomplete,
        )

    def _not_ahead(self, rows: Rows) -> Rows:
        """The rows, observed by our clock if the source's clock is ahead of it."""
        return replace(rows, observed_at=min(rows.observed_at, self._session.ports.clock.now()))

    def _note(self, page: Page) -> None:
        rows = page.rows
        self._seen.write(pa.RecordBatch.from_arrays([rows.ids, rows.ops], schema=SEEN))
        if len(self._hidden):
            self._again += rows.ids.filter(pc.is_in(rows.ids, self._hidden)).to_pylist()
        self._bytes += page.proof.bytes
        self._findings += page.findings
        self._wants_census |= page.wants_census
        self._incomplete |= page.incomplete
        if rows.cells is not None:
            alive = pc.equal(rows.ops, Op.STATE.value)
            self._note_references(rows.cells, alive)
            self._note_files(rows, alive)
        self._session.ports.observer.progress(
            Progress(self._phase, self._table.name, rows=len(rows), bytes=page.proof.bytes)
        )

    def _plain(self, rows: Rows) -> Rows:
        """The rows with one text for each number, by whichever API they were read."""
        cells = rows.cells
        if cells is None:
            return rows
        for column in self._numbers:
            index = cells.schema.get_field_index(column.name)
            if index < 0:
                continue
            texts = cells.column(index)
            if column.name not in self._strange and not all_numbers(texts):
                self._strange.add(column.name)
            if column.kind is WireKind.DECIMAL:
                plain = without_binary_digits(texts)
                cells = cells if plain is texts else cells.set_column(index, column.name, plain)
        return rows if cells is rows.cells else replace(rows, cells=cells)

    def _note_references(self, cells: pa.RecordBatch, alive: pa.Array) -> None:
        for column in self._pointing:
            remaining = self._session.policy.reference_limit - self._references.rows
            if remaining <= 0 or column.name not in cells.schema.names:
                continue
            ids, tables = _referred(cells, column, alive)
            ids, tables = ids.slice(0, remaining), tables.slice(0, remaining)
            names = pa.array([column.name] * len(ids), pa.string())
            rows = pa.RecordBatch.from_arrays([names, ids, tables], schema=REFERENCES)
            self._references.write(rows)

    def _note_files(self, rows: Rows, alive: pa.Array) -> None:
        has_files = self._table.files or self._table.image_columns
        if not has_files or not pc.any(alive).as_py():
            return
        with source_errors():
            refs = self._session.source.files_in(self._table, chosen(rows, alive))
        if refs:
            plain = msgspec.to_builtins(list(refs))
            self._files.write(pa.RecordBatch.from_pylist(plain, schema=FILES))


def _referred(cells: pa.RecordBatch, column: Column, alive: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The different ids in a reference of live rows, and the tables that the rows name for them."""
    reference = column.reference
    if reference is not None and reference.is_plain:
        ids = pc.unique(cells.column(column.name).filter(alive)).drop_null()
        return ids, pa.nulls(len(ids), pa.string())
    names = names_in(pa.Table.from_batches([cells.filter(alive)]), column).select(TEXT, TABLE)
    different = names.unique(maintain_order=True)
    return tuple(different[name].to_arrow().cast(pa.string()) for name in (TEXT, TABLE))


def _no_numbers(table: Table, column: Column) -> Finding:
    """The finding for texts in a column of numbers that are no numbers."""
    return Finding.of(
        FindingKind.COLUMN_UNREADABLE,
        Severity.GAP,
        "The column {field} of {name} has values that are not numbers, such as a comma in the "
        "place of the decimal point. They are stored as they were delivered.",
        "Compare some records of this backup with the org. If they differ, find out which program "
        "between the org and Unlost changes numbers.",
        table.name,
        column.name,
        field=column.name,
        name=table.plural or table.label or table.name,
    )


def file_ref(table: str, row: dict[str, object]) -> FileRef:
    """A file reference from a row of a temporary file."""
    return decoder_for(FileRef).convert({**row, "table": table})
