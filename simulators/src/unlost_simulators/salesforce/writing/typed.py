"""Requests whose rows belong to several objects: collections of REST, calls of SOAP.

Neighbours of one object are one chunk. Source: REST guide, sObject Collections (create, update,
delete).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.execution import SETUP_OBJECTS
from unlost_simulators.salesforce.writing.request import (
    AllOrNone,
    Row,
    RowError,
    RowResult,
    Verb,
    WriteOptions,
)
from unlost_simulators.salesforce.writing.target import TargetOrg

MOST_CHUNKS = 10
TOO_MANY_CHUNKS = (
    "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce "
    "chunking."
)
UNMIXED = frozenset({Verb.CREATE, Verb.DELETE})
"""Requests in which set-up objects may not stand beside others."""


@dataclass(frozen=True, slots=True)
class TypedRow:
    """A row with the API name of its object; None when its id belongs to no object.

    ``error`` refuses the row before anything is read of it; it then has no object.
    """

    object: str | None
    row: Row
    error: RowError | None = None


class _ChunkRollback(Exception):
    """Rolls a request of several objects back."""


def write_typed(
    org: TargetOrg, user: SimUser, verb: Verb, rows: Sequence[TypedRow], options: WriteOptions
) -> list[RowResult]:
    """Carry out a request of mixed objects; gives one result a row, in the same order.

    Raises ``SalesforceError`` for more than ten chunks.
    """
    sound = [row for row in rows if row.error is None]
    chunks = list(_chunks(sound))
    if len(chunks) > MOST_CHUNKS:
        raise SalesforceError(400, "INVALID_ARGUMENT", TOO_MANY_CHUNKS)
    first = next((row.object for row in rows if row.object is not None), None)
    if options.all_or_none is AllOrNone.EACH:
        written = [
            result
            for chunk in chunks
            for result in _write_chunk(org, user, verb, chunk, options, first=first)
        ]
    else:
        whole = len(sound) == len(rows)
        written = _write_together(org, user, verb, chunks, options, first=first, whole=whole)
    results = iter(written)
    return [next(results) if row.error is None else _refused(row.error, verb=verb) for row in rows]


def _chunks(rows: Sequence[TypedRow]) -> Iterator[list[TypedRow]]:
    chunk: list[TypedRow] = []
    for row in rows:
        if chunk and (chunk[0].object or "").lower() != (row.object or "").lower():
            yield chunk
            chunk = []
        chunk.append(row)
    if chunk:
        yield chunk


def _write_together(
    org: TargetOrg,
    user: SimUser,
    verb: Verb,
    chunks: Sequence[Sequence[TypedRow]],
    options: WriteOptions,
    *,
    first: str | None,
    whole: bool,
) -> list[RowResult]:
    """Write all chunks or none; ``whole`` is false if a row of the request is refused already."""
    results: list[RowResult] = []
    try:
        with org.store.transaction():
            for chunk in chunks:
                results += _write_chunk(org, user, verb, chunk, options, first=first)
            if not whole or not all(result.success for result in results):
                raise _ChunkRollback
    except _ChunkRollback:
        return [_rolled_back(result) for result in results]
    return results


def _rolled_back(result: RowResult) -> RowResult:
    if not result.success:
        return result
    created = None if result.created is None else False
    return replace(result, success=False, created=created, errors=(refusals.ROLLED_BACK,))


def _write_chunk(
    org: TargetOrg,
    user: SimUser,
    verb: Verb,
    chunk: Sequence[TypedRow],
    options: WriteOptions,
    *,
    first: str | None,
) -> list[RowResult]:
    name = chunk[0].object
    if name is None:
        return [_without_object(verb, row.row) for row in chunk]
    try:
        of = org.object(user, name)
    except SalesforceError:
        text = f"sObject type '{name}' is not supported."
        return [_refused(RowError("INVALID_TYPE", text)) for _ in chunk]
    mixed = verb in UNMIXED and first is not None
    if mixed and (of.name in SETUP_OBJECTS) != (first in SETUP_OBJECTS):
        return [_refused(refusals.mixed(of, first or "")) for _ in chunk]
    return org.write(user, verb, of.name, [row.row for row in chunk], options)


def _refused(error: RowError, *, verb: Verb | None = None) -> RowResult:
    created = False if verb is Verb.UPSERT else None
    return RowResult(None, success=False, created=created, errors=(error,))


def _without_object(verb: Verb, row: Row) -> RowResult:
    given = next((value for name, value in row.items() if name.lower() == "id"), None)
    if not isinstance(given, str) or not ids.is_id(given):
        return _refused(refusals.malformed_id(given))
    if verb is Verb.UNDELETE:
        return _refused(refusals.NOT_IN_BIN)
    if verb is Verb.EMPTY_BIN:
        return _refused(refusals.NO_BIN_ENTRY)
    return _refused(refusals.NO_SUCH_ROW)


def by_id(org: TargetOrg, user: SimUser, record_ids: Sequence[str]) -> list[TypedRow]:
    """The ids as rows of the objects that they belong to, in the same order."""
    objects: dict[str, str | None] = {}
    for record_id in record_ids:
        if record_id not in objects:
            objects[record_id] = _object_of(org, user, record_id)
    return [TypedRow(objects[record_id], {"Id": record_id}) for record_id in record_ids]


def _object_of(org: TargetOrg, user: SimUser, record_id: str) -> str | None:
    if not ids.is_id(record_id):
        return None
    candidates = [
        definition for definition in org.schema.of_id(record_id) if user.sees(definition.name)
    ]
    named = [definition for definition in candidates if definition.prefix is not None] or candidates
    if len(named) < 2:
        return named[0].name if named else None
    key = ids.full(record_id)
    holding = (definition for definition in named if org.store.find(definition, [key]))
    return next(holding, named[0]).name
