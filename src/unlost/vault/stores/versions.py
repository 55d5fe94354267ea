"""Versions of the objects in an S3 bucket: the bucket keeps them when an object is deleted.

The vault's client does not support them. This module finds and removes them with its own requests,
signed with a key that is available as text: from a file of credentials, preferably the one for
maintenance. See docs/adr/0030.

Sources: Amazon S3 API reference, ListObjectVersions, DeleteObject (``versionId``,
``x-amz-bypass-governance-retention``), GetObjectLockConfiguration, "Signature Version 4".
"""

import hashlib
import hmac
import http.client
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from unlost.model.errors import StoreError
from unlost.vault.stores.address import DEFAULT_REGION, StoreAddress
from unlost.vault.stores.store import MAY_NOT_DELETE

ANSWER_SECONDS = 60
TRIES = 5
FIRST_PAUSE = 0.2  # seconds; each further one is twice as long
_EMPTY = hashlib.sha256(b"").hexdigest()
_BYPASS = {"x-amz-bypass-governance-retention": "true"}
_MOST = 1_000  # versions of one answer
_ENTRY = re.compile(r"<(Version|DeleteMarker)>(.*?)</\1>", re.DOTALL)
_PART = "<{0}>(.*?)</{0}>"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key as text. ``token``: the session token of a temporary key."""

    id: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        return f"AccessKey({self.id})"


def key_in(credentials: Mapping[str, str]) -> AccessKey | None:
    """The key among the settings of a client; None if there is none."""
    key, secret, token = (
        credentials.get(f"aws_{name}", "")
        for name in ("access_key_id", "secret_access_key", "session_token")
    )
    return AccessKey(key, secret, token) if key and secret else None


def _is_passing(status: int) -> bool:
    """True for a status that may be different in a moment."""
    later = status == HTTPStatus.TOO_MANY_REQUESTS
    return later or (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED
    )


def _read_entry(text: str) -> tuple[str, str]:
    """Name and version of an entry; no name of the vault has characters that XML escapes."""
    name, version = (re.search(_PART.format(tag), text) for tag in ("Key", "VersionId"))
    return (name[1], version[1]) if name and version else ("", "")


class ListRefused(StoreError):
    """These credentials may not list versions; they may or may not delete."""


class BucketVersions:
    """Finds and removes versions in one S3 bucket. Safe to share between threads.

    ``sleep`` takes seconds: temporary failures are retried.
    """

    def __init__(
        self,
        address: StoreAddress,
        *,
        key: AccessKey,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._address = address
        self._key = key
        self._now = now
        self._sleep = sleep
        self._region = address.reach.region or DEFAULT_REGION
        parts = urlsplit(address.reach.endpoint or f"https://s3.{self._region}.amazonaws.com")
        self._tls = parts.scheme == "https"
        hosted = address.reach.hosted
        self._host = f"{address.bucket}.{parts.netloc}" if hosted else parts.netloc
        self._root = f"{parts.path.rstrip('/')}/{'' if hosted else address.bucket}".rstrip("/")

    def remove(self, name: str) -> bool:
        """Remove all versions of an object; False if there are none.

        The newest is removed last, so that an interrupted call leaves the object visible. Lifts
        locks that may be lifted. Raises StoreError, for example ListRefused.
        """
        full = "/".join(filter(None, [self._address.prefix, name]))
        before: list[str] = []
        while version_ids := self._of(full):
            if version_ids == before:
                raise self.failed(f"versions of “{name}” remain that it reported as removed")
            for version in reversed(version_ids):
                self._drop(full, version)
            before = version_ids
        return bool(before)

    def _drop(self, full: str, version: str) -> None:
        """Remove a version. Lifts its lock only if that is needed.

        The first request does not lift a lock: a bucket without locks refuses the header for it.
        """
        parameters = {"versionId": version}
        try:
            self._body_of("DELETE", full, parameters)
        except StoreError as refused:
            if refused.code != MAY_NOT_DELETE:
                raise
            try:
                self._body_of("DELETE", full, parameters, _BYPASS)
            except StoreError as error:
                raise refused from error

    def is_locked_for_good(self) -> bool:
        """True if the bucket locks new objects so that no credentials can remove them for a while.

        Also False if these credentials may not ask, or the server has no locks. Raises StoreError
        if the server does not answer: then the answer is unknown.
        """
        status, reply = self._answer("GET", "", {"object-lock": ""}, {})
        if _is_passing(status):
            raise self.failed(f"it answered {status}")
        return status == HTTPStatus.OK and b"<Mode>COMPLIANCE</Mode>" in reply

    def _of(self, full: str) -> list[str]:
        """Some versions and delete markers of an object, newest first; empty when all are gone."""
        parameters = {"versions": "", "prefix": full, "max-keys": str(_MOST)}
        try:
            listing = self._body_of("GET", "", parameters).decode("utf-8", "replace")
        except StoreError as error:
            if error.code != MAY_NOT_DELETE:
                raise
            raise ListRefused.of(error.message) from error
        if "<ListVersionsResult" not in listing:
            raise self.failed("its list of versions cannot be read")
        version_ids = (match[2] for match in _ENTRY.finditer(listing))
        return [version for key, version in map(_read_entry, version_ids) if key == full]

    def _body_of(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str] = {}
    ) -> bytes:
        """The body of a successful answer; raises StoreError for any other."""
        return self._read(*self._answer(method, path, query, headers))

    def _answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Status and body of the first answer that is not temporary.

        Raises StoreError if none comes.
        """
        for number in range(TRIES):
            try:
                status, body = self._once(method, path, query, headers)
            except (OSError, http.client.HTTPException) as error:
                if number + 1 == TRIES:
                    raise self.failed(str(error) or type(error).__name__) from error
            else:
                if number + 1 == TRIES or not _is_passing(status):
                    return status, body
            self._sleep(FIRST_PAUSE * 2**number)
        raise AssertionError("the last try returns or raises")

    def _read(self, status: int, body: bytes) -> bytes:
        if status == HTTPStatus.FORBIDDEN:
            raise self._refused()
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise self.failed(f"it answered {status}")
        return body

    def _once(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        place = quote(f"{self._root}/{path}".rstrip("/") or "/")
        line = "&".join(f"{quote(k, safe='')}={quote(query[k], safe='')}" for k in sorted(query))
        signed = self._signed(method, place, line, headers)
        link = self._link()
        try:
            link.request(method, f"{place}?{line}", headers=signed)
            answer = link.getresponse()
            return answer.status, answer.read()
        finally:
            link.close()

    def _link(self) -> http.client.HTTPConnection:
        if not self._tls:
            return http.client.HTTPConnection(self._host, timeout=ANSWER_SECONDS)
        context = ssl.create_default_context()
        if self._address.reach.ca_file is not None:
            context.load_verify_locations(self._address.reach.ca_file)
        return http.client.HTTPSConnection(self._host, timeout=ANSWER_SECONDS, context=context)

    def _signed(
        self, method: str, place: str, line: str, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """The headers of a request without a body, with its signature."""
        stamp = f"{self._now():%Y%m%dT%H%M%SZ}"
        signed_headers = {
            "host": self._host,
            "x-amz-content-sha256": _EMPTY,
            "x-amz-date": stamp,
            **headers,
        }
        if self._key.token:
            signed_headers["x-amz-security-token"] = self._key.token
        names = sorted(signed_headers)
        lines = [method, place, line, *(f"{name}:{signed_headers[name]}" for name in names)]
        canonical = "\n".join([*lines, "", ";".join(names), _EMPTY])
        scope = f"{stamp[:8]}/{self._region}/s3/aws4_request"
        proof = hashlib.sha256(canonical.encode()).hexdigest()
        signing = f"AWS4{self._key.secret}".encode()
        for part in scope.split("/"):
            signing = hmac.digest(signing, part.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{proof}"
        signature = hmac.digest(signing, text.encode(), "sha256").hex()
        signed_headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._key.id}/{scope}, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        return signed_headers

    def failed(self, why: str) -> StoreError:
        """The error for a bucket that did not do as it should."""
        return StoreError(
            "store-failed",
            "{address} failed at the versions of its objects: {why}.",
            next_step="Check the endpoint and the network, then try again. Nothing was lost.",
            address=self._address,
            why=why,
        )

    def _refused(self) -> StoreError:
        return StoreError(
            "store-may-not-delete",
            "The credentials for {address} cannot remove versions of its objects.",
            next_step="Give the maintenance credentials permission to list and delete "
            "versions. If the bucket has locks, also give them permission to lift "
            "locks (s3:BypassGovernanceRetention).",
            address=self._address,
        )
