"""Bytes of files: generated from a recipe when read, or stored after an upload.

A recipe is (kind, seed, size) and always gives the same bytes, so that terabytes of files need no
space. A stored cell contains the token of a recipe:
``blob:<kind>:<seed>:<size>``.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

PIECE = 1 << 20
STORED = "stored"
_HEAD = "blob"

type Maker = Callable[[int, int], Iterator[bytes]]
"""From seed and size to pieces whose lengths add up to size."""


@dataclass(frozen=True, slots=True)
class BlobRecipe:
    """The parameters that generate the bytes of one file."""

    kind: str
    seed: int
    size: int

    def token(self) -> str:
        """The text that a cell holds for this recipe."""
        return f"{_HEAD}:{self.kind}:{self.seed}:{self.size}"

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in pieces of at most 1 MiB."""
        return MAKERS[self.kind](self.seed, self.size)

    def md5(self) -> str:
        """Hexadecimal MD5 of the bytes."""
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.hexdigest()


def is_token(value: str) -> bool:
    """Return true if the text is a token; a colon never occurs in base64."""
    return value.startswith(f"{_HEAD}:")


def parse(token: str) -> tuple[str, str, int]:
    """Kind, seed or key of the kept bytes, and size of a token."""
    _, kind, seed, size = token.split(":")
    return kind, seed, int(size)


def stored_token(key: str, size: int) -> str:
    """Token of bytes that the store keeps under a key."""
    return f"{_HEAD}:{STORED}:{key}:{size}"


def cut(whole: bytes) -> Iterator[bytes]:
    """The bytes in pieces."""
    for start in range(0, len(whole), PIECE):
        yield whole[start : start + PIECE]


def random_bytes(seed: int, size: int) -> Iterator[bytes]:
    """Bytes that do not compress."""
    source = np.random.default_rng(seed)
    for start in range(0, size, PIECE):
        yield source.bytes(min(PIECE, size - start))


def lines_of_text(seed: int, size: int) -> Iterator[bytes]:
    """Text that compresses as logs and exports do."""
    source = np.random.default_rng(seed)
    remaining = size
    while remaining > 0:
        numbers = source.integers(0, 1_000_000, size=4096)
        piece = "\n".join(
            f"{number:06d} batch of cocoa mass, {number % 97} kg" for number in numbers
        )
        taken = (piece + "\n").encode()[:remaining]
        remaining -= len(taken)
        yield taken


MAKERS: dict[str, Maker] = {"random": random_bytes, "text": lines_of_text}
"""Kinds of recipes by name; a scenario may add its own."""
