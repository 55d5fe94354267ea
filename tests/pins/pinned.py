"""Golden files, and how a test compares with them.

``make_pins`` writes a golden file once. After that it is an input that every release must read.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> str:
    """Read a golden file."""
    return (GOLDEN / name).read_text("utf-8")


def golden_lines(name: str) -> list[str]:
    """Read the lines of a golden file."""
    return golden(name).splitlines()


def check_lines(pinned: Sequence[str], written: Sequence[str]) -> None:
    """Fail with each line that is only in one of the two lists."""
    missing = [f"pinned, but no longer written: {line}" for line in _only_in(pinned, written)]
    new = [f"written, but not pinned: {line}" for line in _only_in(written, pinned)]
    assert not missing + new, "\n" + "\n".join(missing + new)


def _only_in(lines: Iterable[str], others: Sequence[str]) -> list[str]:
    present = frozenset(others)
    return [line for line in lines if line not in present]


def readable(data: bytes | str) -> str:
    """Format JSON with a line for each value. The order of names stays."""
    return json.dumps(json.loads(data), indent=1, ensure_ascii=False)


def compact(value: object) -> bytes:
    """Write JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
