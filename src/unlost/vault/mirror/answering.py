"""A read-only mirror that records failures, so that an unanswered read is no missing object."""

from collections.abc import Callable, Iterator
from pathlib import Path

from unlost.model.errors import StoreError
from unlost.model.vault.store import ListedObject, Store
from unlost.vault.stores.readonly import ReadOnlyStore
from unlost.vault.stores.unread import device_failed


class AnsweringStore(ReadOnlyStore):
    """Another store that records when it did not answer, even if its reader ignores the error."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self._silent: StoreError | None = None

    def check(self) -> None:
        """Raise StoreError (``copy-silent``) if the store ever did not answer."""
        if self._silent is not None:
            raise StoreError(
                "copy-silent",
                "The mirror in {address} did not answer: {sentence}",
                next_step="Run it again when the mirror answers. It may still have the objects "
                "that are damaged here.",
                address=self.properties.address,
                sentence=self._silent.sentence,
            ) from self._silent

    def get(self, name: str) -> bytes:
        """All bytes of an object."""
        return self._answer(lambda: super(AnsweringStore, self).get(name))

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object."""
        return self._answer(
            lambda: super(AnsweringStore, self).get_range(name, start=start, length=length)
        )

    def size(self, name: str) -> int | None:
        """Size in bytes; None if the object does not exist."""
        return self._answer(lambda: super(AnsweringStore, self).size(name))

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects whose names begin with ``prefix``."""
        listed_objects = self._answer(lambda: [*super(AnsweringStore, self).list(prefix)])
        yield from listed_objects

    def path(self, name: str) -> Path | None:  # noqa: ARG002 (there is never a file)
        """None, so that every byte is read through this store."""
        return None

    def _answer[T](self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except StoreError as error:
            if not device_failed(error):
                self._silent = self._silent or error
            raise
