"""A store in a bucket: S3, servers that speak S3, and Azure Blob Storage.

Every object is one PUT with the condition "only if there is none" (S3: ``If-None-Match: *``; Azure:
the same header on Put Blob). The store uses nothing else of the bucket: no conditional update, no
multipart upload, no checksum of the bucket, because servers differ there. No object of a vault is
larger than a segment, so that one PUT is enough.

A PUT whose answer is lost may have been carried out. The store sends it again. If the name is taken
then, the bytes under it decide. Everything the vault stores is sealed with random numbers, so that
equal bytes can only come from this writer:

    PUT ──> no answer ──> PUT again ──> created             True
                                   └──> taken, same bytes   True: the first PUT was ours
                                   └──> taken, other bytes  False: another writer won

See docs/adr/0024, and docs/adr/0030 for versions and for the credentials that delete.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
from obstore import exceptions

from unlost.model.errors import NotFound, StoreError, UnlostError
from unlost.model.vault.store import ListedObject, StoreProperties
from unlost.vault.stores.store import check_name, is_name, missing
from unlost.vault.stores.versions import ListRefused

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

    from unlost.vault.stores.versions import BucketVersions

TRIES = 6
FIRST_PAUSE = 0.2  # seconds; each further one is twice as long
_REFUSED = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)
_TAKEN = (exceptions.AlreadyExistsError, exceptions.PreconditionError, exceptions.NotModifiedError)
_NO_ACCESS = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403 Forbidden")
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")


@dataclass(frozen=True, slots=True)
class ObjectRemover:
    """A client that may delete and, where possible, remove versions."""

    client: "ObjectStore"
    versions: "BucketVersions | None" = None


class BucketStore:
    """Keeps each object under its name, below the prefix that the two clients are bound to.

    ``reading`` may repeat failed requests. ``writing`` must not: a PUT that the client repeats
    unseen could lose against itself. ``removing`` returns the client that may delete, when
    something must be deleted; it raises StoreError. ``sleep`` takes seconds. Safe to share between
    threads.
    """

    def __init__(
        self,
        reading: "ObjectStore",
        writing: "ObjectStore",
        *,
        removing: Callable[[], ObjectRemover],
        address: str,
        sleep: Callable[[float], None],
    ) -> None:
        self._reading = reading
        self._writing = writing
        self._removing = removing
        self._address = address
        self._sleep = sleep
        self._seen = False
        self._versions = self._keeps_deleted = False

    @property
    def properties(self) -> StoreProperties:
        """Facts about this store, as far as its answers have shown them."""
        return StoreProperties(
            address=self._address, versions=self._versions, keeps_deleted=self._keeps_deleted
        )

    def put_new(self, name: str, data: bytes) -> bool:
        """Create an object; False if the name is taken."""
        check_name(name)
        with self._speaking(name):
            return self._put(name, data)

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Create an object from chunks, joined in memory; False if the name is taken."""
        return self.put_new(name, b"".join(chunks))

    def get(self, name: str) -> bytes:
        """All bytes of an object; raises NotFound."""
        check_name(name)
        with self._speaking(name):
            return bytes(obstore.get(self._reading, name).bytes())

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object; raises NotFound."""
        check_name(name)
        with self._speaking(name):
            if length > 0:
                try:
                    return self._range(name, start, length)
                except exceptions.GenericError:  # S3: 416 where it begins behind the end
                    if start < self._there(name):
                        raise
            self._there(name)
            return b""

    def size(self, name: str) -> int | None:
        """Size in bytes; None if the object does not exist."""
        metadata = self._metadata(name)
        return None if metadata is None else int(metadata["size"])

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects whose names begin with ``prefix``, in order."""
        folder = prefix.rpartition("/")[0]
        with self._speaking(prefix):
            listed_objects = [
                ListedObject(str(listed_meta["path"]), int(listed_meta["size"]))
                for some in obstore.list(self._reading, folder or None)
                for listed_meta in some
                if str(listed_meta["path"]).startswith(prefix) and is_name(str(listed_meta["path"]))
            ]
        yield from sorted(listed_objects, key=lambda listed: listed.name)

    def delete(self, name: str) -> bool:
        """Remove an object; False if there is none."""
        metadata = self._metadata(name)
        if metadata is None:
            return False
        remover = self._removing()
        if metadata["version"] is not None:
            if remover.versions is not None and self._without_versions(name, remover.versions):
                return True
            self._keeps_deleted = True
        return self._deleted(name, remover)

    def _without_versions(self, name: str, versions: "BucketVersions") -> bool:
        """Remove an object with all versions; False if these credentials may not list them."""
        try:
            removed = versions.remove(name)
        except ListRefused:
            return False
        if not removed and self._metadata(name) is not None:
            raise versions.failed(f"it lists no version of “{name}”, although the object exists")
        return True

    def _deleted(self, name: str, remover: ObjectRemover) -> bool:
        """Delete an object without regard to versions."""
        try:
            with self._speaking(name):
                obstore.delete(remover.client, name)
        except NotFound:
            return True  # an answer was lost and the client repeated the request: Azure answers 404
        except StoreError as error:
            raise (
                self._may_not_delete(name) if error.code == "store-refused" else error
            ) from error
        return True

    def path(self, name: str) -> Path | None:
        """None: the objects are not files."""
        check_name(name)
        return None

    def _metadata(self, name: str) -> "ObjectMeta | None":
        """The metadata of an object; None if there is none."""
        check_name(name)
        with self._speaking(name):
            try:
                return obstore.head(self._reading, name)
            except FileNotFoundError:
                self._check_bucket()
                return None

    def _put(self, name: str, data: bytes) -> bool:
        """Send the PUT until an answer shows its result. True if this call created the object."""
        lost = False
        for number in range(TRIES):
            try:
                put = obstore.put(self._writing, name, data, mode="create", use_multipart=False)
            except _TAKEN as taken:
                existing = self._stored_bytes(name)
                # Only after a lost answer can equal bytes be ours: without one, the PUT was plainly
                # refused.
                if existing is not None:
                    return lost and existing == data
                if number + 1 == TRIES:
                    raise exceptions.GenericError(
                        f"the name is taken, but the object is missing: {taken}"
                    ) from taken
            except exceptions.GenericError as error:  # no answer, or a request to try later
                lost = True
                if number + 1 == TRIES or _says(error, *_NO_ACCESS, *_NO_BUCKET):
                    raise
            else:
                self._versions = self._versions or put["version"] is not None
                return True
            self._sleep(FIRST_PAUSE * 2**number)
        raise AssertionError("the last try returns or raises")

    def _stored_bytes(self, name: str) -> bytes | None:
        """The bytes under a name that is taken; None if another writer's PUT is still under way."""
        try:
            return bytes(obstore.get(self._reading, name).bytes())
        except FileNotFoundError:
            return None

    def _range(self, name: str, start: int, length: int) -> bytes:
        return bytes(obstore.get_range(self._reading, name, start=start, length=length))

    def _there(self, name: str) -> int:
        return int(obstore.head(self._reading, name)["size"])

    def _check_bucket(self) -> None:
        """Raise unless the bucket exists: without a bucket, all objects appear to be missing."""
        if not self._seen:
            next(iter(obstore.list(self._reading, None, chunk_size=1)), None)
            self._seen = True

    @contextmanager
    def _speaking(self, name: str) -> Iterator[None]:
        """Convert the client's errors into ours."""
        try:
            yield
        except UnlostError:
            raise
        except FileNotFoundError as error:
            raise self._no_bucket(error) or missing(name) from error
        except exceptions.BaseError as error:
            raise self._no_bucket(error) or self._failed(name, error) from error

    def _failed(self, name: str, error: exceptions.BaseError) -> StoreError:
        if isinstance(error, _REFUSED) or _says(error, *_NO_ACCESS):
            return StoreError(
                "store-refused",
                "{address} denied access to “{name}”.",
                next_step="Check the credentials. They need permission to read, write and list "
                "objects in the bucket.",
                address=self._address,
                name=name,
            )
        return StoreError(
            "store-failed",
            "{address} failed at “{name}”: {reason}.",
            next_step="Check the endpoint and the network, then try again. Nothing was lost.",
            address=self._address,
            name=name,
            reason=_first_line_of(error),
        )

    def _may_not_delete(self, name: str) -> StoreError:
        return StoreError(
            "store-may-not-delete",
            "The credentials for {address} cannot delete objects, such as “{name}”.",
            next_step="Set maintenance_credentials_file in unlost.toml to credentials that can "
            "delete, or run this where they are available. Backups continue without "
            "them.",
            address=self._address,
            name=name,
        )

    def _no_bucket(self, error: Exception) -> StoreError | None:
        """The error for a missing bucket, if that is the cause; else None."""
        if not _says(error, *_NO_BUCKET):
            return None
        return StoreError(
            "store-missing",
            "The bucket of {address} does not exist.",
            next_step="Create the bucket, or correct the address of the vault.",
            address=self._address,
        )


def _says(error: Exception, *words: str) -> bool:
    return any(word in str(error) for word in words)


def _first_line_of(error: Any) -> str:
    """The first line of the client's message; the rest is for its developers."""
    return str(error).split("\n", 1)[0].strip().rstrip(".")[:300]
