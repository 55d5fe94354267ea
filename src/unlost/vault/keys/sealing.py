"""Sealed objects in a store, each with the key and the bindings of its place."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from blake3 import blake3

from unlost.model.errors import IntegrityError, NotFound, UnlostError
from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.format.sealed import (
    HEADER_BYTES,
    KIB256,
    ObjectKind,
    SealedHeader,
    read_header,
    seal_blocks,
    span_of,
    unseal,
    unseal_span,
)
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.layout import object_names
from unlost.vault.stores.store import missing


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """The facts that a manifest records of an object: size in the store, its BLAKE3 (hex), epoch.

    ``created`` is False if the name was taken: then nothing was written and the rest has no
    meaning.
    """

    bytes: int
    blake3: str
    epoch: int
    created: bool


class _Tally:
    """Size and hash of pieces on their way into a store."""

    def __init__(self) -> None:
        self.size = 0
        self.digest = blake3()

    def over(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces, counted as they pass."""
        for piece in pieces:
            self.digest.update(piece)
            self.size += len(piece)
            yield piece


class SealedObjects:
    """Puts and gets sealed objects of orgs. Safe to share between threads."""

    def __init__(self, store: Store, *, keys: Keyring, entropy: Entropy) -> None:
        self.store = store
        self.keys = keys
        self.entropy = entropy

    def put_new(
        self,
        kind: ObjectKind,
        *,
        org: str,
        name: str,
        content: bytes | bytearray | memoryview,
        power: int = KIB256,
    ) -> WrittenObject:
        """Seal content under a name; ``created`` is True if the name was free."""
        epoch = self.keys.epoch(org)
        pieces = seal_blocks(
            content,
            place=self.keys.place(kind, org=org, name=name),
            key=self.keys.object_key(kind, org=org, name=name, epoch=epoch),
            epoch=epoch,
            entropy=self.entropy,
            power=power,
        )

        tally = _Tally()
        created = self.store.put_stream(name, tally.over(pieces))
        return WrittenObject(
            bytes=tally.size, blake3=tally.digest.hexdigest(), epoch=epoch, created=created
        )

    def get(self, kind: ObjectKind, *, org: str, name: str) -> bytes:
        """The content of an object; raises NotFound, IntegrityError, UsageError (other format)."""
        return self.open(kind, org=org, name=name, data=self.store.get(name))

    def get_either(
        self,
        kind: ObjectKind,
        *,
        org: str,
        name: str,
        proves: Callable[[bytes], object] = lambda _: None,
    ) -> bytes:
        """The content of an object, or of its replacement: of the first that is genuine.

        ``proves`` raises IntegrityError for content that is not. Others may have put something in
        the place of an object that was sealed anew, or beside it. Raises as ``get`` does.
        """
        first: UnlostError | None = None
        for other in self._names_of(name):
            try:
                content = self.get(kind, org=org, name=other)
                proves(content)
            except (IntegrityError, NotFound) as error:
                damaged = isinstance(first, IntegrityError)
                first = first if damaged or (isinstance(error, NotFound) and first) else error
            else:
                return content
        raise first or missing(name)

    def _names_of(self, name: str) -> Iterator[str]:
        """The names that an object may have; the second one is looked up only if it is needed."""
        yield name
        for listed in list(self.store.list(object_names.resealed(name, ""))):
            yield listed.name

    def resealed(self, name: str) -> str | None:
        """The name of an object's replacement that was sealed anew; None if there is none."""
        return next(
            (
                listed_object.name
                for listed_object in self.store.list(object_names.resealed(name, ""))
            ),
            None,
        )

    def open(self, kind: ObjectKind, *, org: str, name: str, data: bytes) -> bytes:
        """The content of an object whose stored bytes are at hand."""
        header = read_header(data, name=name)
        key = self.keys.object_key(kind, org=org, name=name, epoch=header.epoch)
        return unseal(data, place=self.keys.place(kind, org=org, name=name), key=key)

    def header(self, name: str) -> SealedHeader:
        """The header of an object, unproved until one of its blocks opens."""
        return read_header(self.store.get_range(name, start=0, length=HEADER_BYTES), name=name)

    def get_range(
        self,
        kind: ObjectKind,
        *,
        org: str,
        name: str,
        header: SealedHeader,
        start: int,
        length: int,
    ) -> bytes:
        """``length`` content bytes from ``start``, reading only the blocks that contain them."""
        if length == 0:
            return b""
        if start + length > header.length:
            raise IntegrityError(
                "object-damaged",
                "An entry points beyond the end of the object “{name}”.",
                next_step="Run `unlost verify --level full`.",
                name=name,
            )
        span = span_of(header, start=start, length=length)
        content = unseal_span(
            self.store.get_range(name, start=span.start, length=span.length),
            span,
            header=header,
            place=self.keys.place(kind, org=org, name=name),
            key=self.keys.object_key(kind, org=org, name=name, epoch=header.epoch),
        )
        skip = start - span.first * header.block
        return content[skip : skip + length]
