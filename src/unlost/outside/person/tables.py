"""The versions of a person's records for programs: JSON verbatim, CSV for spreadsheets."""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from datetime import datetime
from io import BytesIO
from itertools import batched

import msgspec
import pyarrow as pa
import pyarrow.csv as pacsv

from unlost.model.vault.snapshot import Version
from unlost.outside.person.parts import STATES, ExportedTable, PersonReader
from unlost.outside.rowtext import for_people

BOM = b"\xef\xbb\xbf"  # marks the file as UTF-8 for spreadsheets
FIRST_COLUMNS = ("(record)", "(state)", "(seen at)", "(changed at)", "(changed by)")
AT_ONCE = 200  # versions

type Row = Mapping[str, str | None]


def as_json(
    part: ExportedTable, reading: PersonReader, columns: MutableMapping[str, None]
) -> Iterator[bytes]:
    """A table as one object, verbatim. ``columns`` collects all columns of its records."""
    head = msgspec.json.encode({"table": part.table.name, "label": part.label})
    yield head[:-1] + b',"records":['
    for number, (record, versions) in enumerate(reading.of(part)):
        columns.update((name, None) for version in versions for name in version.cells)
        document = {
            "id": record,
            "versions": [_version_document(version, reading) for version in versions],
        }
        yield (b",\n" if number else b"\n") + msgspec.json.encode(document)
    yield b"\n]}\n"


def as_csv(
    part: ExportedTable, reading: PersonReader, columns: Sequence[str]
) -> Iterator[tuple[bytes, int]]:
    """A table with a line for each version, in pieces with their number of changed cells."""
    schema = pa.schema([(name, pa.string()) for name in (*FIRST_COLUMNS, *columns)])
    head, changed = _lines(pa.RecordBatch.from_pylist([dict(zip(schema.names, schema.names, strict=True))], schema=schema))  # fmt: skip
    yield BOM + head, changed
    for rows in batched(_rows(part, reading), AT_ONCE):
        yield _lines(pa.RecordBatch.from_pylist(list(rows), schema=schema))


def _lines(rows: pa.RecordBatch) -> tuple[bytes, int]:
    safe, changed = for_people(rows)
    out = BytesIO()
    pacsv.write_csv(safe, out, pacsv.WriteOptions(include_header=False))
    return out.getvalue(), changed


def _rows(part: ExportedTable, reading: PersonReader) -> Iterator[Row]:
    for record, versions in reading.of(part):
        for version in versions:
            by = reading.who(part.table.name, version.modified_by) or version.modified_by
            columns = (
                record,
                STATES[version.op],
                _iso(version.observed_at),
                _iso(version.modified_at),
                by,
            )
            yield {**dict(zip(FIRST_COLUMNS, columns, strict=True)), **version.cells}


def _version_document(version: Version, reading: PersonReader) -> dict[str, object]:
    return {
        "state": STATES[version.op],
        "seen_at": _iso(version.observed_at),
        "changed_at": _iso(version.modified_at),
        "changed_by": version.modified_by,
        "changed_by_name": reading.who(version.table, version.modified_by),
        "values": version.cells,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
