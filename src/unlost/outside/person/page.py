"""The page of an archive: a person reads it in any browser, without a network.

It is one file, in plain words, and runs no script.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import islice
from urllib.parse import quote

from unlost.model.vault.snapshot import Version
from unlost.outside.person.parts import STATES, ExportedTable, PersonExport, PersonReader

MOST = 1000  # records of a table on the page; the tables have all
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1d21;background:#fff}h1,h2,h3{line-height:1.25}article{border-top:1px solid #dedbd3;"
    "padding:.5rem 0}table{border-collapse:collapse;width:100%;margin:.5rem 0}caption{text-align:start;"
    "color:#5d6069}th,td{text-align:start;vertical-align:top;padding:.15rem .6rem .15rem 0;"
    "border-bottom:1px solid #eee;white-space:pre-wrap;overflow-wrap:anywhere}th{width:14rem;"
    "font-weight:600}code{font-size:.85em;color:#5d6069}"
)

type Cells = Mapping[str, str | None]


def index(person: PersonExport, reading: PersonReader, *, changed: int) -> Iterator[str]:
    """The page, piece by piece. ``changed`` cells of the tables got an apostrophe."""
    yield from _opening(person, changed=changed)
    yield from _contents(person)
    for number, part in enumerate(person.tables):
        yield f'<h2 id="t{number}">{escape(part.label)}</h2>\n'
        for record, versions in islice(reading.of(part), MOST):
            yield _record(person, part, reading, record, versions)
        if len(part.ids) > MOST:
            yield f"<p>This page shows the first {MOST:,} of {len(part.ids):,}. The tables contain all of them.</p>\n"
    yield "</body></html>\n"


def _opening(person: PersonExport, *, changed: int) -> Iterator[str]:
    title = f"Data of a person in the backups of {person.org}"
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n<h1>{escape(title)}</h1>\n"
        f"<p>This export was created on {person.when(person.made_at)}, from backups up to that of "
        f"{person.when(person.as_of)}. It contains the records that were selected as belonging to one "
        "person: their current values and all earlier values, with the time of each change, and with "
        "its author if the system reports it.</p>\n"
        "<p>The folder <code>tables</code> contains the same data for other programs: CSV opens in a "
        "spreadsheet, JSON is exact to the last character. The files are in the folder "
        "<code>files</code>.</p>\n"
        "<p>A spreadsheet would run a text that begins with =, +, - or @. In CSV, such a text starts "
        f"with an apostrophe that is not part of the data: here in {_many(changed, 'cell')}.</p>\n"
    )
    if person.unknown:
        yield f"<p>The backups have no data of {_many(person.unknown, 'requested record')}.</p>\n"
    if person.unsearched:
        names = escape(", ".join(person.unsearched))
        yield f"<p>These tables are too large to be searched for references to the person: {names}.</p>\n"


def _contents(person: PersonExport) -> Iterator[str]:
    yield "<h2>Contents</h2>\n<ul>\n"
    for number, part in enumerate(person.tables):
        yield (
            f'<li><a href="#t{number}">{escape(part.label)}</a>: {_many(len(part.ids), "record")} '
            f"({_link(part.csv, 'CSV')}, {_link(part.json, 'JSON')})</li>\n"
        )
    yield "</ul>\n"
    if person.files:
        yield "<h2>Files</h2>\n<ul>\n"
    for file in person.files:
        name = file.stored.name or file.stored.record
        yield f"<li>{_link(file.path, name)} <code>{file.stored.size:,} bytes</code></li>\n"
    if person.files:
        yield "</ul>\n"


def _record(
    person: PersonExport,
    part: ExportedTable,
    reading: PersonReader,
    record: str,
    versions: Sequence[Version],
) -> str:
    lines = [_line(person, part, reading, *pair) for pair in _pairs(versions)]
    newest = next((version for version in reversed(versions) if version.cells), None)
    cells = newest.cells if newest is not None else {}
    name = cells.get(part.table.name_column or "") or record
    present = bool(versions) and versions[-1].op.alive
    caption = "Current values" if present else "Last values"
    state = _table(caption, ((_label(part, c), [v]) for c, v in cells.items() if v))
    return (
        f"<article><h3><bdi>{escape(name)}</bdi> <code>{escape(record)}</code></h3>\n{state}"
        f"<h4>History, newest first</h4>\n{''.join(reversed(lines))}</article>\n"
    )


def _pairs(versions: Sequence[Version]) -> Iterator[tuple[Version, Cells | None]]:
    """Each version with the last cells before it; None if there were none."""
    before: Cells | None = None
    for version in versions:
        yield version, before
        before = version.cells or before


def _line(
    person: PersonExport,
    part: ExportedTable,
    reading: PersonReader,
    version: Version,
    before: Cells | None,
) -> str:
    by = reading.who(part.table.name, version.modified_by) or version.modified_by
    when = f"seen {person.when(version.observed_at)}"
    if version.modified_at:
        when = f"changed {person.when(version.modified_at)}{f' by {by}' if by else ''}, {when}"
    if not version.op.alive:
        return f"<p>{STATES[version.op].capitalize()}: {escape(when)}.</p>\n"
    if before is None:
        return f"<p>First: {escape(when)}.</p>\n"
    differing = [
        name
        for name in dict.fromkeys((*before, *version.cells))
        if (before.get(name) or "") != (version.cells.get(name) or "")
    ]
    changes = ((_label(part, c), [before.get(c), version.cells.get(c)]) for c in differing)
    caption = f"{when[:1].upper()}{when[1:]}. Before and after:"
    return _table(caption, changes)


def _table(caption: str, rows: Iterable[tuple[str, Sequence[str | None]]]) -> str:
    lines = (
        f'<tr><th scope="row">{escape(label)}</th>'
        f"{''.join(f'<td dir="auto">{escape(value or "—")}</td>' for value in values)}</tr>\n"
        for label, values in rows
    )
    return f"<table><caption>{escape(caption)}</caption><tbody>\n{''.join(lines)}</tbody></table>\n"


def _label(part: ExportedTable, name: str) -> str:
    column = part.table.column(name)
    return (column.label if column is not None else "") or name


def _link(path: str, text: str) -> str:
    return f'<a href="{quote(path)}"><bdi>{escape(text)}</bdi></a>'


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
