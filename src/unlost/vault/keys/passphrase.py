"""Passphrases: seven words that are easy to say, and the key that Argon2id makes of them."""

import unicodedata
from dataclasses import dataclass

from unlost.model.ports.system import Entropy
from unlost.vault.format.slots import SALT_BYTES, KeyStretch
from unlost.vault.keys.derivation import KEY_BYTES, derive

PASSPHRASE_SLOT = "passphrase"  # noqa: S105 (a name, no secret)
WORDS = 7
_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A passphrase that opens a slot. Words may be typed in any case, with any spaces."""

    text: str

    def __repr__(self) -> str:
        return "Passphrase()"

    def wrapping_key(self, slot: str, stretch: KeyStretch | None) -> bytes:
        """The key that wraps and opens a slot: takes a second and 256 MiB."""
        from argon2.low_level import Type, hash_secret_raw

        assert stretch is not None  # a bare passphrase must never become a key
        words = " ".join(unicodedata.normalize("NFKC", self.text).casefold().split())
        stretched = hash_secret_raw(
            words.encode(),
            bytes.fromhex(stretch.salt),
            time_cost=stretch.passes,
            memory_cost=stretch.memory,
            parallelism=stretch.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
        )
        return derive(stretched, f"slot/{slot}")


def new_stretch(entropy: Entropy) -> KeyStretch:
    """Parameters for a new passphrase slot."""
    return KeyStretch(salt=entropy.bytes(SALT_BYTES).hex())


def new_passphrase(entropy: Entropy) -> str:
    """Seven words of five letters, easy to pronounce; each has 16 random bits (112 together).

    A word is consonant-vowel-consonant-vowel-consonant; the scheme is known as proquints.
    """
    return " ".join(_word(int.from_bytes(entropy.bytes(2))) for _ in range(WORDS))


def _word(bits: int) -> str:
    """Five letters of 4, 2, 4, 2 and 4 bits."""
    return "".join(
        (
            _CONSONANTS[bits >> 12 & 15],
            _VOWELS[bits >> 10 & 3],
            _CONSONANTS[bits >> 6 & 15],
            _VOWELS[bits >> 4 & 3],
            _CONSONANTS[bits & 15],
        )
    )
