"""Merges of up to three records of one object: checks, the moves, the deletion, the master's values.

Each merge is one transaction, in the order of the platform: the losers' children move, the losers
go into the bin with the master's id, the master gets its new values, and its triggers run. Sources:
SOAP guide (merge, MergeResult), Apex guide (triggers and merge statements); a text without a known
source is marked here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.merges import reparenting
from unlost_simulators.salesforce.writing.merges.reparenting import Move
from unlost_simulators.salesforce.writing.request import (
    Channel,
    DuplicateHeader,
    RowError,
    RowResult,
    Verb,
    WriteOptions,
)
from unlost_simulators.salesforce.writing.target import TargetOrg

MERGEABLE = frozenset({"Account", "Contact", "Lead", "Case"})
MOST_REQUESTS = 200
MOST_LOSERS = 2

NO_LOSER = RowError("MISSING_ARGUMENT", "recordToMergeIds not specified")
"""Neither the code nor the words of these five have a known source."""
TOO_MANY = RowError("LIMIT_EXCEEDED", f"at most {MOST_LOSERS} records can be merged into a master")
ITSELF = RowError("INVALID_OPERATION", "a record cannot be merged twice, or into itself")
OTHER_KIND = RowError("INVALID_OPERATION", "person accounts and business accounts cannot be merged")
OTHER_OBJECT = "INVALID_ID_FIELD"


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A master, the ids merged into it, and the master's new values (as ``Channel.SOAP`` has them).

    ``type`` is the object as the request names it.
    """

    type: str
    master: str
    losers: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The result of one merge; ``moved`` are the rows with a new parent that the user sees."""

    id: str
    success: bool
    merged: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    errors: tuple[RowError, ...] = ()


class _Refused(Exception):
    """Ends the transaction of a merge that is refused."""

    def __init__(self, *errors: RowError) -> None:
        self.errors = errors


def merge(
    org: TargetOrg,
    user: SimUser,
    requests: Sequence[MergeRequest],
    duplicates: DuplicateHeader | None = None,
) -> list[MergeResult]:
    """Carry out merges one after another; one result for each.

    Raises ``SalesforceError`` for an object that the user does not see, or that has no merge.
    """
    objects = [_mergeable(org, user, request) for request in requests]
    options = WriteOptions(channel=Channel.SOAP, duplicates=duplicates or DuplicateHeader())
    merges = (
        _Merge(org, user, of, request, options)
        for of, request in zip(objects, requests, strict=True)
    )
    return [each.run() for each in merges]


def _mergeable(org: TargetOrg, user: SimUser, request: MergeRequest) -> ObjectDef:
    named = request.type or next((of.name for of in org.schema.of_id(request.master)), "")
    of = org.object(user, named)
    if of.name not in MERGEABLE:
        raise SalesforceError(
            500, "INVALID_TYPE_FOR_OPERATION", "entity type does not support merge"
        )
    return of


@dataclass(frozen=True, slots=True)
class _Merge:
    """One merge on its way."""

    org: TargetOrg
    user: SimUser
    of: ObjectDef
    request: MergeRequest
    options: WriteOptions

    def run(self) -> MergeResult:
        try:
            move = self._move()
            with self.org.store.transaction():
                moved = self._carry_out(move)
        except _Refused as refused:
            return MergeResult(self.request.master, success=False, errors=refused.errors)
        seen = tuple(key for name, key in moved if self.user.sees(name))
        return MergeResult(move.master, success=True, merged=move.losers, moved=seen)

    def _move(self) -> Move:
        """The request with whole ids, if it makes sense."""
        given = self.request.losers
        if not given:
            raise _Refused(NO_LOSER)
        if len(given) > MOST_LOSERS:
            raise _Refused(TOO_MANY)
        for key in (self.request.master, *given):
            if not ids.is_id(key):
                raise _Refused(refusals.malformed_id(key))
            if not key.startswith(self.of.id_prefix):
                text = f"{key} is no id of {self.of.label}"
                raise _Refused(RowError(OTHER_OBJECT, text))
        master, losers = ids.full(self.request.master), tuple(map(ids.full, given))
        if len({master, *losers}) <= len(losers):
            raise _Refused(ITSELF)
        return Move(self.of, master, losers)

    def _carry_out(self, move: Move) -> list[tuple[str, str]]:
        store = self.org.store
        author = store.author(self.user.id, None)
        self._check_living(move)
        moved = []
        for each in (move, *self._person_moves(move)):
            reparenting.take_manager(store, each, author)
            moved += reparenting.move_children(store, each, author)
            if reparenting.circles(store, each):
                raise _Refused(refusals.BELOW_ITSELF)
            reparenting.mark(store, each, author)
        self._write(Verb.DELETE, [{"Id": key} for key in move.losers])
        self._write(Verb.UPDATE, [{**self.request.values, "Id": move.master}])
        return moved

    def _check_living(self, move: Move) -> None:
        known = dict(self.org.store.find(self.of, [move.master, *move.losers]))
        for key in (move.master, *move.losers):
            if known.get(key) is not False:
                raise _Refused(refusals.DELETED if key in known else refusals.NO_SUCH_ROW)

    def _person_moves(self, move: Move) -> list[Move]:
        """The move of the contacts that belong to merged persons."""
        if move.of.name != "Account":
            return []
        contacts = reparenting.person_contacts(self.org.store, move.of, [move.master, *move.losers])
        persons = [key for key in contacts.values() if key is not None]
        if persons and len(persons) < len(contacts):
            raise _Refused(OTHER_KIND)
        contact = self.org.schema.get("Contact")
        if not persons or contact is None:
            return []
        return [Move(contact, persons[0], tuple(persons[1:]))]

    def _write(self, verb: Verb, rows: Sequence[Mapping[str, Any]]) -> None:
        results = self.org.write(self.user, verb, self.of.name, rows, self.options)
        errors = [error for result in results for error in _errors(result)]
        if errors:
            raise _Refused(*errors)


def _errors(result: RowResult) -> Sequence[RowError]:
    return () if result.success else result.errors
