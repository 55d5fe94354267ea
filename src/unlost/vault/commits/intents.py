"""Open runs: their intents, and the notes that another process needs to continue them."""

import re
from collections.abc import Iterator

import msgspec

from unlost.model.errors import IntegrityError, NotFound, StoreError
from unlost.model.vault.certificate import Certificate
from unlost.vault.format.manifest import RunIntent, SchemaNote, pack, unpack
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.stores.store import MAY_NOT_DELETE

_NUMBER = re.compile(r"[0-9]{1,20}")


class OpenRun:
    """The durable notes of one open run of an org."""

    def __init__(self, org: str, run: str, *, sealed: SealedObjects) -> None:
        self.org = org
        self.run = object_names.check_run(run)
        self._sealed = sealed

    def open(self, fresh: RunIntent) -> RunIntent:
        """The run's intent: the existing one, else ``fresh``, made durable."""
        name = object_names.intent(self.org, self.run)
        # The intent keeps the key of its epoch: a process that runs for weeks must not keep using
        # one that a rekey has deleted since.
        self._sealed.keys.choose_epoch(self.org)
        self._sealed.put_new(ObjectKind.INTENT, org=self.org, name=name, content=pack(fresh))
        content = self._sealed.get(ObjectKind.INTENT, org=self.org, name=name)
        return unpack(content, RunIntent, name=name)[0]

    def is_open(self) -> bool:
        """True while the intent exists and the run is not marked as over."""
        store = self._sealed.store
        there = store.size(object_names.intent(self.org, self.run)) is not None
        return there and store.size(object_names.over(self.org, self.run)) is None

    def note_schema(self, schema: str) -> None:
        """Record the schema that the run uses from now on."""
        content = pack(SchemaNote(schema))
        number = sum(1 for _ in self._notes())
        if schema in self.schemas()[-1:]:
            self._put_note(number - 1, content)  # its writer may have died before it was durable
            return
        while not self._put_note(number, content):
            number += 1

    def schemas(self) -> tuple[str, ...]:
        """All schemas that the run has used, oldest first."""
        return tuple(
            unpack(
                self._sealed.get(ObjectKind.INTENT, org=self.org, name=name),
                SchemaNote,
                name=name,
            )[0].schema
            for name in self._notes()
        )

    def put_certificate(self, certificate: Certificate) -> None:
        """Store a certificate of the run; the last one is valid."""
        content = msgspec.json.encode(certificate)
        number = len(self._certificates())
        while not self._sealed.put_new(
            ObjectKind.CERTIFICATE,
            org=self.org,
            name=object_names.certificate(self.org, self.run, number),
            content=content,
        ).created:
            number += 1

    def certificate(self) -> str | None:
        """The name of the run's last certificate that opens: others may have put objects there."""
        numbers = sorted(self._certificates(), reverse=True)
        names = (object_names.certificate(self.org, self.run, number) for number in numbers)
        return next(filter(self._opens, names), None)

    def _opens(self, certificate: str) -> bool:
        try:
            self._sealed.get(ObjectKind.CERTIFICATE, org=self.org, name=certificate)
        except IntegrityError:
            return False
        return True

    def written(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Segments that the run has written so far: id and size."""
        for listed in self._sealed.store.list(object_names.segment(self.org, prefix)):
            ident = listed.name.rsplit("/", 1)[1]
            # Sidecars have a suffix.
            if "." not in ident:
                yield ident, listed.size

    def key(self, fresh: bytes) -> bytes:
        """The key that seals rows in the run's pieces: the existing one, else ``fresh``.

        It is durable when the call returns.
        """
        name = object_names.run_key(self.org, self.run)
        self._sealed.put_new(ObjectKind.INTENT, org=self.org, name=name, content=fresh)
        return self._sealed.get(ObjectKind.INTENT, org=self.org, name=name)

    def known_key(self) -> bytes:
        """The key that seals rows in the run's pieces; empty if it is gone.

        Without the key, the rows are unreadable.
        """
        name = object_names.run_key(self.org, self.run)
        try:
            return self._sealed.get(ObjectKind.INTENT, org=self.org, name=name)
        except NotFound:
            return b""

    def drop_key(self) -> None:
        """Make the rows in the run's pieces unreadable for ever."""
        self._sealed.store.delete(object_names.run_key(self.org, self.run))

    def close(self) -> None:
        """End the run: remove the intent and its notes, the key first.

        If nothing may be deleted, mark the run as over; a sweep removes the rest later.
        """
        try:
            self.remove()
        except StoreError as error:
            if error.code != MAY_NOT_DELETE:
                raise
            self.mark_over()

    def mark_over(self) -> None:
        """Mark the run as ended, so that it is no longer taken for an open run."""
        name = object_names.over(self.org, self.run)
        self._sealed.put_new(ObjectKind.INTENT, org=self.org, name=name, content=b"")

    def remove(self) -> None:
        """Remove all notes of the run.

        The mark is removed last: until then it keeps the rest from being taken for an open run.
        """
        key, over = object_names.run_key(self.org, self.run), object_names.over(self.org, self.run)
        # The key first: without it the buffered rows cannot be read, even if the rest fails.
        for name in sorted(self._beside(), key=lambda name: name != key):
            if name != over:
                self._sealed.store.delete(name)
        self._sealed.store.delete(object_names.intent(self.org, self.run))
        self._sealed.store.delete(over)

    def _notes(self) -> Iterator[str]:
        others = (object_names.run_key(self.org, self.run), object_names.over(self.org, self.run))
        return (name for name in self._beside() if name not in others)

    def _beside(self) -> Iterator[str]:
        """The objects beside the intent."""
        for listed in self._sealed.store.list(f"{object_names.intent(self.org, self.run)}."):
            yield listed.name

    def _put_note(self, number: int, content: bytes) -> bool:
        name = object_names.note(self.org, self.run, number)
        return self._sealed.put_new(
            ObjectKind.INTENT, org=self.org, name=name, content=content
        ).created

    def _certificates(self) -> list[int]:
        prefix = object_names.certificate_prefix(self.org, self.run)
        numbers = (listed.name.removeprefix(prefix) for listed in self._sealed.store.list(prefix))
        return [int(number) for number in numbers if _NUMBER.fullmatch(number)]
