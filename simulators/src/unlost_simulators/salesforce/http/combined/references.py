"""``@{ref.path}`` in the subrequests of composite resources: found, and put in place.

Source: REST guide, composite (using reference ids), with the texts of its examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from unlost_simulators.salesforce.model.errors import SalesforceError

_REFERENCE = re.compile(r"@\{([^}]*)\}")
_PATH = re.compile(r"(\w+)((?:\.\w+|\[\d+\])*)")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
OLDEST_NULL = 52
"""From this version on a reference to null gives null (REST guide, composite)."""


class Absent(SalesforceError):
    """A reference that leads nowhere."""

    def __init__(self, text: str) -> None:
        name = re.split(r"[.\[]", text)[0]
        message = (
            f"Invalid reference specified. No value for {text} found in {name}. Provided "
            f"referenceId ('{text}') must start with a letter or a number, and it can contain only "
            "letters, numbers and underscores ('_')."
        )
        super().__init__(400, "PROCESSING_HALTED", message)


def named(value: Any) -> Iterator[str]:
    """The reference ids that a subrequest's url or body mentions."""
    if isinstance(value, str):
        for reference in _REFERENCE.findall(value):
            yield re.split(r"[.\[]", reference)[0]
    elif isinstance(value, dict):
        for item in value.values():
            yield from named(item)
    elif isinstance(value, list):
        for item in value:
            yield from named(item)


def resolve(value: Any, results: Mapping[str, Any], version: int) -> Any:
    """The value with every reference replaced; raises ``Absent``."""
    if isinstance(value, str):
        return _text(value, results, version)
    if isinstance(value, dict):
        return {name: resolve(item, results, version) for name, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, results, version) for item in value]
    return value


def _text(text: str, results: Mapping[str, Any], version: int) -> Any:
    whole = _REFERENCE.fullmatch(text)
    if whole is not None:
        return _find(whole.group(1), results, version)
    return _REFERENCE.sub(lambda hole: str(_find(hole.group(1), results, version)), text)


def _find(text: str, results: Mapping[str, Any], version: int) -> Any:
    path = _PATH.fullmatch(text)
    if path is None or path.group(1) not in results:
        raise Absent(text)
    here = results[path.group(1)]
    for name, index in _STEP.findall(path.group(2)):
        if name and isinstance(here, dict) and name in here:
            here = here[name]
        elif index and isinstance(here, list) and int(index) < len(here):
            here = here[int(index)]
        else:
            raise Absent(text)
    if here is None and version < OLDEST_NULL:
        raise Absent(text)
    return here
