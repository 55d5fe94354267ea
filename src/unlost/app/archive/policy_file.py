"""An archive policy as a JSON file, written by people."""

from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import msgspec

from unlost.model.archive import ArchivePolicy
from unlost.model.decoders import decoder_for
from unlost.model.errors import UsageError

LARGEST = 1 << 20  # bytes of a policy


def read_policy(file: Path) -> ArchivePolicy:
    """Read a policy. Raises UsageError (``archive-policy-unreadable``, ``archive-policy-wrong``).

    A name that no policy has is refused: a condition with a typing mistake would be no condition.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(
            "archive-policy-unreadable",
            "{file} cannot be read: {reason}.",
            next_step="Check the path and the permissions.",
            file=file,
            reason=error.strerror or str(error),
        ) from error
    if len(data) > LARGEST:
        raise _wrong(f"it is larger than {LARGEST:,} bytes")
    return _policy(data)


def policy_text(policy: ArchivePolicy) -> str:
    """Return a policy as the text of its file, without fields that have their usual value."""
    return msgspec.json.format(msgspec.json.encode(_written(policy)), indent=2).decode()


def _written(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_written(each) for each in value]
    if not hasattr(value, "__dataclass_fields__"):
        return value
    given = ((each, getattr(value, each.name)) for each in fields(value))
    return {each.name: _written(part) for each, part in given if part != _usual(each.default)}


def _usual(default: Any) -> Any:
    return None if default is MISSING else default


def _policy(data: bytes) -> ArchivePolicy:
    try:
        policy = decoder_for(ArchivePolicy).decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(str(error)) from error
    unknown = next(_unknown(msgspec.json.decode(data), msgspec.to_builtins(policy)), None)
    if unknown is not None:
        raise _wrong(f"there is no field {unknown}")
    return policy


def _unknown(given: Any, known: Any) -> Iterator[str]:
    """The names that were not understood."""
    if isinstance(given, dict) and isinstance(known, dict):
        yield from (name for name in given if name not in known)
        for name in given.keys() & known.keys():
            yield from _unknown(given[name], known[name])
    elif isinstance(given, list):
        for some, other in zip(given, known, strict=True):
            yield from _unknown(some, other)


def _wrong(reason: str) -> UsageError:
    return UsageError(
        "archive-policy-wrong",
        "The file is not an archive policy: {reason}.",
        next_step="`unlost archive policies ORG --json` shows policies to start from.",
        reason=reason,
    )
