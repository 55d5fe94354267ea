"""Operations on records by id alone, also of several objects: undelete, emptyRecycleBin, delete.

Source: SOAP API guide (undelete, emptyRecycleBin). A record deleted by a cascade has no entry in
the bin: naming it fails that row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.request import (
    AllOrNone,
    Channel,
    RowError,
    RowResult,
    Verb,
    WriteOptions,
)

MAX_IDS = 200
OPERATIONS = {
    "undelete": Verb.UNDELETE,
    "emptyRecycleBin": Verb.EMPTY_BIN,
    "delete": Verb.DELETE,
}
_UNKNOWN = {
    Verb.UNDELETE: refusals.NOT_IN_BIN,
    Verb.EMPTY_BIN: refusals.NO_BIN_ENTRY,
    Verb.DELETE: refusals.NO_SUCH_ROW,
}


class _BinRollback(Exception):
    """Ends the transaction of a call that is to be all or nothing."""


def carry_out(
    org: Org, user: SimUser, verb: Verb, given: Sequence[str], all_or_none: AllOrNone
) -> list[RowResult]:
    """Carry the verb out on each id; gives one result an id, in the same order."""
    results: dict[int, RowResult] = {}
    try:
        with org.store.transaction():
            results = _each(org, user, verb, given)
            if all_or_none is AllOrNone.ALL and not all(
                result.success for result in results.values()
            ):
                raise _BinRollback
    except _BinRollback:
        results = {at: _taken_back(result) for at, result in results.items()}
    return [results[at] for at in range(len(given))]


def _taken_back(result: RowResult) -> RowResult:
    if not result.success:
        return result
    return RowResult(result.id, success=False, errors=(refusals.ROLLED_BACK,))


def _each(org: Org, user: SimUser, verb: Verb, given: Sequence[str]) -> dict[int, RowResult]:
    results: dict[int, RowResult] = {}
    groups: dict[str, list[int]] = {}
    for at, key in enumerate(given):
        of = _object_of(org, user, key) if ids.is_id(key) else None
        if of is not None:
            groups.setdefault(of.name, []).append(at)
        else:
            results[at] = RowResult(key, success=False, errors=(_unknown(verb, key),))
    for name, places in groups.items():
        results |= _group(org, user, verb, name, {at: given[at] for at in places})
    return results


def _group(
    org: Org, user: SimUser, verb: Verb, name: str, chosen: Mapping[int, str]
) -> dict[int, RowResult]:
    rows = [{"Id": key} for key in chosen.values()]
    results = org.write(user, verb, name, rows, WriteOptions(channel=Channel.SOAP))
    return dict(zip(chosen, results, strict=True))


def _object_of(org: Org, user: SimUser, key: str) -> ObjectDef | None:
    """Give the object of an id; where several share its prefix, the one that has the row."""
    definitions = [definition for definition in org.schema.of_id(key) if user.sees(definition.name)]
    holding = [
        definition
        for definition in definitions
        if len(definitions) == 1 or org.store.find(definition, [ids.full(key)])
    ]
    return next(iter(holding or definitions), None)


def _unknown(verb: Verb, key: str) -> RowError:
    return _UNKNOWN[verb] if ids.is_id(key) else refusals.malformed_id(key)
