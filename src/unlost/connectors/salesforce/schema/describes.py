"""Describes of objects, cached between backups and fetched again only if they changed.

Sources: REST guide, sObject Describe and Describe Global (If-Modified-Since, 304; the header also
covers changes of permissions, profiles and labels), composite (headers of subrequests).

A wrong cached describe could hide a column. So a cached one counts only for the same user with the
same rights, the same API version and the same keys, for a week at most. A describe with other columns than the org
lists is fetched again (``discover``), and one that a query contradicts is dropped (``forget``). The
list of all objects is never cached.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import batched
from typing import Any

import msgspec

from unlost.connectors.salesforce.access.rights import UserRights
from unlost.connectors.salesforce.http.api import BatchedAnswer, BatchedGet, SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import BATCH_REQUESTS
from unlost.connectors.salesforce.http.shapes import (
    MOST_ALL_COLUMNS,
    DescribedObject,
    described_keys,
)
from unlost.connectors.salesforce.schema.tables import Describe
from unlost.kit.http import AnswerTooLarge, Headers
from unlost.model.decoders import decoder_for
from unlost.model.ports.system import Cache

BELIEVED = timedelta(days=7)
# Used if an answer has no Last-Modified: valid since a little before it came.
MARGIN = timedelta(minutes=1)
LAST_MODIFIED = "last-modified"
IF_MODIFIED_SINCE = "If-Modified-Since"
OK, NOT_MODIFIED = 200, 304


@dataclass(frozen=True, slots=True)
class CachedDescribe:
    """A cached describe; ``reader`` identifies user, rights and the keys that a describe keeps.

    ``modified`` is an HTTP date.
    """

    reader: str
    fetched: datetime
    modified: str
    describe: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FetchedDescribe:
    """Describes by name; ``refused`` are the errors of others, or describes of wrong objects;
    ``unchanged`` came from the cache.
    """

    describes: dict[str, Describe] = field(default_factory=dict)
    refused: dict[str, BatchedAnswer] = field(default_factory=dict)
    unchanged: frozenset[str] = frozenset()

    def corrected(self, by: "FetchedDescribe") -> "FetchedDescribe":
        """The same, with the results of another fetch for the objects that it has."""
        asked_names = by.describes.keys() | by.refused.keys()
        remaining = {
            name: describe for name, describe in self.describes.items() if name not in asked_names
        }
        return FetchedDescribe(
            remaining | by.describes, self.refused | by.refused, self.unchanged - asked_names
        )


class DescribeCache:
    """Describes of one org."""

    def __init__(self, api: SalesforceApi, cache: Cache | None) -> None:
        self._api = api
        self._cache = cache

    def fetch(self, names: Sequence[str], rights: UserRights) -> FetchedDescribe:
        """Describes of these objects; unchanged ones come from the cache."""
        parts: list[FetchedDescribe] = []
        columns = 0
        for part in self._parts(names, rights):
            columns += sum(len(describe["fields"]) for describe in part.describes.values())
            if columns > MOST_ALL_COLUMNS:
                raise AnswerTooLarge(f"its objects have more than {MOST_ALL_COLUMNS:,} fields")
            parts.append(part)
        return _together(parts)

    def _parts(self, names: Sequence[str], rights: UserRights) -> Iterator[FetchedDescribe]:
        parts = batched(names, BATCH_REQUESTS)
        if self._cache is None:
            yield from map(self._fetch_uncached, parts)
            return
        reader = self._reader(rights)
        now = self._api.recent_time()
        for part in parts:
            yield self._part(part, reader, now)

    def fetch_anew(self, names: Sequence[str], rights: UserRights) -> FetchedDescribe:
        """Describes of these objects, bypassing the cache."""
        for name in names:
            self.forget(name)
        return self.fetch(names, rights)

    def forget(self, name: str) -> None:
        """Drop an object's cached describe: it turned out to be wrong."""
        if self._cache is not None:
            self._cache.drop(_entry(name))

    def _fetch_uncached(self, names: Sequence[str]) -> FetchedDescribe:
        answers = dict(zip(names, self._api.batch(_paths(names)), strict=True))
        described = _described(answers)
        return FetchedDescribe(
            described,
            {name: answer for name, answer in answers.items() if name not in described},
        )

    def _part(self, names: Sequence[str], reader: str, now: datetime) -> FetchedDescribe:
        describes = {name: describe for name in names if (describe := self._get(name, reader, now))}
        gets = [
            BatchedGet(path, _condition(describes.get(name)))
            for name, path in zip(names, _paths(names), strict=True)
        ]
        try:
            answers, at = self._api.composite(gets)
        except (SalesforceRefusal, AnswerTooLarge):
            return self._fetch_uncached(names)
        batched_answers = dict(zip(names, answers, strict=True))
        fresh = _described(batched_answers)
        same = {name for name, answer in batched_answers.items() if answer.status == NOT_MODIFIED}
        for name, described in fresh.items():
            self._put(name, reader, described, batched_answers[name].headers, at)
        return FetchedDescribe(
            dict(fresh) | {name: describes[name].describe for name in same & describes.keys()},
            {
                name: batched_answers[name]
                for name in batched_answers.keys() - fresh.keys() - (same & describes.keys())
            },
            frozenset(same & describes.keys()),
        )

    def _get(self, name: str, reader: str, now: datetime) -> CachedDescribe | None:
        assert self._cache is not None
        try:
            describe = decoder_for(CachedDescribe).decode(self._cache.get(_entry(name)) or b"")
        except msgspec.DecodeError:
            return None
        fits = describe.reader == reader and describe.fetched <= now < describe.fetched + BELIEVED
        return describe if fits else None

    def _put(
        self, name: str, reader: str, describe: Describe, headers: Headers, at: datetime
    ) -> None:
        assert self._cache is not None
        modified = headers.get(LAST_MODIFIED) or _http_date(at - MARGIN)
        entry = CachedDescribe(reader, at, modified, dict(describe))
        self._cache.put(_entry(name), msgspec.json.encode(entry))

    def _reader(self, rights: UserRights) -> str:
        user, version = self._api.token_field("id"), self._api.version
        facts = (user, version, rights.fingerprint(()), *described_keys())
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def is_describe_of(name: str, describe: DescribedObject) -> bool:
    """False if an answer describes another object than ``name``, as a wrong cache returns it."""
    return describe["name"] == name


def _together(parts: Sequence[FetchedDescribe]) -> FetchedDescribe:
    describes: dict[str, Describe] = {}
    refused: dict[str, BatchedAnswer] = {}
    for part in parts:
        describes |= part.describes
        refused |= part.refused
    return FetchedDescribe(
        describes, refused, frozenset().union(*(part.unchanged for part in parts))
    )


def _described(answers: Mapping[str, BatchedAnswer]) -> dict[str, Describe]:
    """The describes among the answers, without those of other objects."""
    described = {
        name: answer.read(DescribedObject)
        for name, answer in answers.items()
        if answer.status == OK
    }
    return {
        name: dict(describe)
        for name, describe in described.items()
        if is_describe_of(name, describe)
    }


def _entry(name: str) -> str:
    return f"describe/{name}"


def _paths(names: Sequence[str]) -> list[str]:
    return [f"sobjects/{name}/describe" for name in names]


def _condition(describe: CachedDescribe | None) -> Mapping[str, str]:
    return {IF_MODIFIED_SINCE: describe.modified} if describe else {}


def _http_date(when: datetime) -> str:
    """An HTTP date (RFC 9110, 5.6.7)."""
    return format_datetime(when.astimezone(UTC), usegmt=True)
