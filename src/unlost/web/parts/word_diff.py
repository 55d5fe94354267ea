"""Compare two versions of a text word by word, with a few words of context."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

SHORTEST = 24  # characters; shorter texts are shown completely
LONGEST = 2_000  # words that are compared
AROUND = 6  # words of context on each side of a change
ALIKE = 0.3  # texts with less in common are shown completely
PIECES = re.compile(r"\s+|\w+\s*|[^\w\s]\s*")


@dataclass(frozen=True, slots=True)
class WordRun:
    """A run of words. ``changed``: only in this version; ``left_out``: equal in both and hidden."""

    text: str
    changed: bool = False
    left_out: bool = False


def compared(old: str, new: str) -> tuple[list[WordRun], list[WordRun]] | None:
    """Return both versions in runs; None if they are too short, too long, or too different."""
    if min(len(old), len(new)) < SHORTEST:
        return None
    before, after = PIECES.findall(old), PIECES.findall(new)
    if max(len(before), len(after)) > LONGEST:
        return None
    # Quadratic in the number of words, hence ``LONGEST``.
    match = SequenceMatcher(None, before, after, autojunk=False)
    if match.ratio() < ALIKE:
        return None
    codes = match.get_opcodes()
    return (
        list(_pieces(before, [(kind, a, b) for kind, a, b, _, _ in codes])),
        list(_pieces(after, [(kind, a, b) for kind, _, _, a, b in codes])),
    )


def _pieces(words: Sequence[str], runs: Sequence[tuple[str, int, int]]) -> Iterator[WordRun]:
    for number, (kind, start, end) in enumerate(runs):
        if kind != "equal":
            if start < end:
                yield WordRun("".join(words[start:end]), changed=True)
            continue
        first, last = number == 0, number == len(runs) - 1
        yield from _same(words[start:end], opens=first, closes=last)


def _same(words: Sequence[str], *, opens: bool, closes: bool) -> Iterator[WordRun]:
    """Yield equal words; of a long run only those next to a change."""
    head, tail = (0 if opens else AROUND), (0 if closes else AROUND)
    if len(words) <= head + tail + AROUND:
        yield WordRun("".join(words))
        return
    if head:
        yield WordRun("".join(words[:head]))
    yield WordRun("".join(words[head : len(words) - tail]), left_out=True)
    if tail:
        yield WordRun("".join(words[-tail:]))
