"""Sealed copies of a home's data: settings, runs and alerts, for the case that its machine is lost.

They belong to no org. Their key comes from the master key, so that the recovery sheet alone is
enough to read them. A home removes only old copies that it stored itself: copies that a thief adds
must not push them out. See docs/adr/0013 and docs/adr/0036.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import takewhile

from unlost.model.errors import IntegrityError, NotFound, StoreError, UsageError
from unlost.model.ports.removals import RemovalLedger
from unlost.vault.format.sealed import ObjectBinding, ObjectKind, seal, unseal
from unlost.vault.keys.derivation import ID_BYTES
from unlost.vault.keys.sealing import SealedObjects

FOLDER = "homes/"
MOST_COPIES = 30
_DIGITS = 8
_MOST_DIGITS = 18  # a database has no room for more, and a home never needs them
_NUMBER = re.compile(rf"[0-9]{{{_DIGITS},{_MOST_DIGITS}}}")
_FIRST = 1  # master key; copies under it have the epoch 0


class VaultHomes:
    """The copies of homes in a vault; see the port ``HomeCopies``."""

    def __init__(
        self,
        sealed: SealedObjects,
        *,
        ledger: RemovalLedger | None = None,
        most: int = MOST_COPIES,
    ) -> None:
        """``ledger`` remembers the copies of this home; ``most``: the number of these to keep."""
        self._sealed = sealed
        self._ledger = ledger
        self._most = most

    def numbers(self) -> Sequence[int]:
        """The numbers of all copies, ascending; other names in the folder are ignored."""
        names = (listed.name.removeprefix(FOLDER) for listed in self._sealed.store.list(FOLDER))
        # A planted number may be so high that the next one has more digits.
        return sorted(int(name) for name in names if _NUMBER.fullmatch(name))

    def store_copy(self, content: bytes) -> int:
        """Store a copy under the next free number."""
        number = self._newest() + 1
        while not self._put(number, content):
            number += 1  # another process was quicker
        with suppress(StoreError):  # the copy is stored; a later call removes the old ones
            for old in self._own(number)[: -self._most]:
                self._sealed.store.delete(name_of(old))
        return number

    def _own(self, number: int) -> Sequence[int]:
        """The copies that this home stored, ascending, with the one that it has stored just now."""
        if self._ledger is None:
            return ()
        self._ledger.note_own(FOLDER, seq=number, head="")
        self._ledger.note_examined(FOLDER, [], until=number)  # forgets the oldest ones
        own_numbers = {own_number for own_number, _ in self._ledger.own_heads(FOLDER, after=0)}
        return [each for each in self.numbers() if each in own_numbers]

    def _newest(self) -> int:
        """The number of the newest copy that opens; else the end of the first gapless series.

        Also if a planted copy has taken the last number: then new copies come before it.
        """
        numbers = self.numbers()
        for number in reversed([number for number in numbers if number < 10**_MOST_DIGITS - 1]):
            with suppress(IntegrityError, NotFound, UsageError):
                self.get(number)
                return number
        row = takewhile(
            lambda numbered: numbered[1] - numbered[0] == numbers[0], enumerate(numbers)
        )
        return max((number for _, number in row), default=0)

    def newest_number(self) -> int:
        """The number of the newest copy that opens; 0 if none does."""
        for number in reversed(self.numbers()):
            with suppress(IntegrityError, NotFound, UsageError):
                self.get(number)
                return number
        return 0

    def newest(self) -> bytes | None:
        """The newest copy that opens; a planted object with a higher number is skipped."""
        numbers = self.numbers()
        for number in reversed(numbers):
            with suppress(IntegrityError, NotFound, UsageError):
                return self.get(number)
        return self.get(numbers[-1]) if numbers else None

    def drop_before(self, number: int) -> None:
        """Remove the copies that are older than ``number``."""
        for old in self.numbers():
            if old < number:
                self._sealed.store.delete(name_of(old))

    def get(self, number: int) -> bytes:
        """The content of a copy, proved to be the one stored under this number."""
        name = name_of(number)
        if self._sealed.store.size(name) is None:
            raise NotFound(
                "home-copy-unknown",
                "The vault has no copy {number} of the home's data.",
                next_step="Omit the number to use the newest copy.",
                number=number,
            )
        generation = self._generation(number)
        if generation < self._sealed.keys.generation and self._renewed():
            raise IntegrityError(
                "home-copy-outdated",
                "Copy {number} of the home's data was encrypted with an earlier master key.",
                next_step="Use a newer copy. This one may not be from this home.",
                number=number,
            )
        return self._unsealed(name, generation)

    def _generation(self, number: int) -> int:
        """The number of the master key that a copy claims to be sealed under."""
        return max(_FIRST, self._sealed.header(name_of(number)).epoch)

    def _renewed(self) -> bool:
        """True if a copy is sealed under the present master key: then earlier ones are void."""
        return any(self._is_present(number) for number in self.numbers())

    def _is_present(self, number: int) -> bool:
        """True if a copy opens under the present master key: anyone can claim it in a header."""
        with suppress(IntegrityError, NotFound, UsageError):
            generation = self._generation(number)
            if generation == self._sealed.keys.generation:
                self._unsealed(name_of(number), generation)
                return True
        return False

    def _unsealed(self, name: str, generation: int) -> bytes:
        key = self._sealed.keys.home_key(name, generation)
        return unseal(self._sealed.store.get(name), place=self._place(name), key=key)

    def _put(self, number: int, content: bytes) -> bool:
        name, generation = name_of(number), self._sealed.keys.generation
        data = seal(
            content,
            place=self._place(name),
            key=self._sealed.keys.home_key(name, generation),
            epoch=generation if generation > _FIRST else 0,
            entropy=self._sealed.entropy,
        )
        return self._sealed.store.put_new(name, data)

    def _place(self, name: str) -> ObjectBinding:
        vault = self._sealed.keys.vault
        return ObjectBinding(kind=ObjectKind.HOME, vault=vault, org=bytes(ID_BYTES), name=name)


def name_of(number: int) -> str:
    """The name of a copy."""
    return f"{FOLDER}{number:0{_DIGITS}d}"
