"""Finding records by the beginning of their words, numbers, addresses and ids.

Each hit is checked against the newest state of the record: a value that the record no longer has
does not find it. A deleted record is found by its last values.

On request, former values find a record too. The index has the words of all versions but not the
values, so each candidate whose newest state does not match is checked against all of its versions.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.source.hidden_columns import HiddenColumns
from unlost.model.source.schema import ColumnTrait, Table
from unlost.model.vault.snapshot import SearchHit
from unlost.vault.format.physical import SEARCH, U_ID, U_OP, is_system
from unlost.vault.format.tokens import digits_of, words_of
from unlost.vault.read.snapshot import VaultSnapshot
from unlost.vault.read.table_view import TableView, sorted_unique
from unlost.vault.read.token_rows import beginning, exact

_CANDIDATES = 20  # for each wanted hit; most may have had the word only in an older version
_FEWEST_DIGITS = 4
_LONGEST_ID = 255


@dataclass(frozen=True, slots=True)
class SearchCandidate:
    """A record, and a column in which some version had the token."""

    table: str
    record: str
    column: str


def search(
    snapshot: VaultSnapshot, text: str, *, limit: int, former: bool = False
) -> Sequence[SearchHit]:
    """Records whose id, name, number, e-mail, phone or key begins with the words of ``text``.

    ``former``: after them, records that had such a value in an earlier version only.
    """
    query = text.strip()
    if not query or limit < 1:
        return ()
    # Lazily: former values are looked up only if present ones leave room.
    rounds = [_by_id(snapshot, query), _by_words(snapshot, query, limit=limit)]
    if former:
        rounds.append(_by_former_words(snapshot, query, limit=limit))
    hits: dict[tuple[str, str], SearchHit] = {}
    for hit in chain.from_iterable(rounds):
        hits.setdefault((hit.table, hit.record), hit)
        if len(hits) >= limit:
            break
    return tuple(hits.values())


def _by_id(snapshot: VaultSnapshot, query: str) -> Iterator[SearchHit]:
    if len(query) > _LONGEST_ID or any(character.isspace() for character in query):
        return
    for table in snapshot.tables():
        if len(snapshot.view(table).newest(pa.array([query]), ())):
            column = _id_column(snapshot.schema().table(table))
            yield from _current(snapshot, [SearchCandidate(table, query, column)], match=None)


def _by_words(snapshot: VaultSnapshot, query: str, *, limit: int) -> Iterator[SearchHit]:
    for candidates in _groups(snapshot, query, limit=limit):
        yield from _current(snapshot, candidates, match=query)


def _by_former_words(snapshot: VaultSnapshot, query: str, *, limit: int) -> Iterator[SearchHit]:
    for candidates in _groups(snapshot, query, limit=limit):
        for table, group in _by_table(snapshot, candidates):
            yield from _former_in(snapshot, table, group, query)


def _groups(snapshot: VaultSnapshot, query: str, *, limit: int) -> Iterator[list[SearchCandidate]]:
    """The candidates of a query, each once, at most ``limit`` at a time."""
    view = snapshot.view(SEARCH)
    words = words_of(query)
    seen: set[SearchCandidate] = set()
    digits = _phone_digits(query)
    # Lazily, the quick lookups first: enough hits by the exact word end the search.
    for candidates in _candidates(view, words, digits, most=limit * _CANDIDATES):
        fresh = [candidate for candidate in candidates if candidate not in seen]
        seen.update(fresh)
        for at in range(0, len(fresh), limit):
            yield fresh[at : at + limit]


def _candidates(
    view: TableView, words: Sequence[str], digits: str, *, most: int
) -> Iterator[list[SearchCandidate]]:
    """Candidates by the exact word first, which filters find quickly; then by prefixes."""
    longest, hidden = max(words, key=len, default=""), view.reading.schemas.hidden
    if longest:
        yield _collect(exact(view, longest), most, hidden)
    if digits:
        yield _collect(beginning(view, digits), most, hidden)
    if longest and longest != digits:
        yield _collect(beginning(view, longest), most, hidden)


def _collect(rows: Iterable[pa.Table], most: int, hidden: HiddenColumns) -> list[SearchCandidate]:
    by_candidate: dict[SearchCandidate, None] = {}
    for part in (_visible(part, hidden) for part in rows) if hidden else rows:
        for row in part.slice(0, most - len(by_candidate)).to_pylist():
            by_candidate[SearchCandidate(row["table"], row["record"], row["column"])] = None
        if len(by_candidate) >= most:
            break
    return list(by_candidate)


def _visible(rows: pa.Table, hidden: HiddenColumns) -> pa.Table:
    """Rows of ``$search`` without the words of hidden columns: they would use up the candidates."""
    names = pc.binary_join_element_wise(rows.column("table"), rows.column("column"), ".")
    return rows.filter(pc.invert(pc.is_in(names, value_set=pa.array(hidden.names, pa.string()))))


def _current(
    snapshot: VaultSnapshot, candidates: Sequence[SearchCandidate], *, match: str | None
) -> Iterator[SearchHit]:
    """The hits among the candidates: their newest state still matches."""
    for table, group in _by_table(snapshot, candidates):
        yield from _current_in(snapshot, table, group, match)


def _by_table(
    snapshot: VaultSnapshot, candidates: Sequence[SearchCandidate]
) -> Iterator[tuple[str, list[SearchCandidate]]]:
    by_table: dict[str, list[SearchCandidate]] = {}
    for candidate in candidates:
        by_table.setdefault(candidate.table, []).append(candidate)
    for table, group in by_table.items():
        if not is_system(table) and table in snapshot.tables():
            yield table, group


def _current_in(
    snapshot: VaultSnapshot, table: str, group: Sequence[SearchCandidate], match: str | None
) -> Iterator[SearchHit]:
    known = snapshot.columns(table)
    label = _label_column(snapshot.schema().table(table), known)
    searched = [c for c in dict.fromkeys(c.column for c in group) if c in known]
    columns = list(dict.fromkeys([*searched, *([label] if label else [])]))
    states = snapshot.get(table, [c.record for c in group], columns=columns)
    rows = {row[U_ID]: row for row in states.to_pylist()}
    for candidate in group:
        row = rows.get(candidate.record)
        if row is None:
            continue
        value = row.get(candidate.column) or ""
        if match is not None and not matches(value, match):
            continue
        yield SearchHit(
            org=snapshot.info.org,
            table=table,
            record=candidate.record,
            column=candidate.column,
            value=value if match is not None else candidate.record,
            label=(row[label] or "") if label else "",
            alive=row[U_OP] == "U",
        )


def _former_in(
    snapshot: VaultSnapshot, table: str, group: Sequence[SearchCandidate], query: str
) -> Iterator[SearchHit]:
    """The candidates of a table of which some version matches, each with its newest such value."""
    known = snapshot.columns(table)
    columns = [name for name in dict.fromkeys(c.column for c in group) if name in known]
    label = _label_column(snapshot.schema().table(table), known)
    ids = sorted_unique(candidate.record for candidate in group)
    versions = snapshot.view(table).find(ids, (), cells=columns)
    values: dict[tuple[str, str], str] = {}
    for row in versions.select([U_ID, *columns]).to_pylist():  # of each id the oldest first
        matching = (name for name in columns if matches(row[name] or "", query))
        values |= {(row[U_ID], name): row[name] for name in matching}
    states = snapshot.get(table, ids.to_pylist(), columns=[label] if label else [])
    rows = {row[U_ID]: row for row in states.to_pylist()}
    for candidate in group:
        value = values.get((candidate.record, candidate.column))
        if value is not None:
            row = rows[candidate.record]
            yield SearchHit(
                org=snapshot.info.org,
                table=table,
                record=candidate.record,
                column=candidate.column,
                value=value,
                label=(row[label] or "") if label else "",
                alive=row[U_OP] == "U",
                former=True,
            )


def matches(value: str, query: str) -> bool:
    """True if each word of the query begins a word of the value, or its digits begin the digits."""
    words = words_of(value)
    if all(any(word.startswith(part) for word in words) for part in words_of(query)):
        return bool(words)
    digits = _phone_digits(query)
    return bool(digits) and digits_of(value).startswith(digits)


def _phone_digits(query: str) -> str:
    """The digits of a query that looks like a telephone number; else empty."""
    if any(character.isalpha() for character in query):
        return ""
    digits = digits_of(query)
    return digits if len(digits) >= _FEWEST_DIGITS else ""


def _id_column(table: Table | None) -> str:
    return table.id_column if table else U_ID


def _label_column(table: Table | None, known: Sequence[str]) -> str | None:
    """The column that names a record to a person."""
    if table is None:
        return None
    named = [column.name for column in table.columns if column.has(ColumnTrait.NAME)]
    wanted = (table.name_column, *named)
    return next((name for name in wanted if name is not None and name in known), None)
