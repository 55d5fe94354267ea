"""Written names: a renamed attribute keeps its earlier name in documents.

A dataclass is written under the names of its attributes by msgspec, ``asdict`` and the API. A
renamed attribute declares the name under which it is written:

    @written(records="held")
    @dataclass(frozen=True, slots=True)
    class TableState:
        records: int

For a ``msgspec.Struct``, use ``msgspec.field(name="held")``.
"""

import re
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import Field
from functools import wraps
from typing import Any


def written[T](**names: str) -> Callable[[type[T]], type[T]]:
    """Write these attributes of a dataclass under other names, and read them back.

    The class must have slots. Code that inspects its fields or its docstring sees the written
    names, as the API does that describes it, and its constructor accepts both.
    """

    def marked(kind: type[T]) -> type[T]:
        changed: Any = kind
        for attribute, name in names.items():
            if attribute not in vars(kind).get("__slots__", ()):
                raise TypeError(f"{kind.__name__} has no slot {attribute}")
            setattr(kind, name, vars(kind)[attribute])  # one slot, two names
        fields = [_named(field, names) for field in changed.__dataclass_fields__.values()]
        changed.__dataclass_fields__ = {field.name: field for field in fields}
        changed.__annotations__ = {names.get(n, n): h for n, h in kind.__annotations__.items()}
        changed.__init__ = _taking(changed.__init__, names)
        changed.__doc__ = _described(kind.__doc__ or "", names)
        return kind

    return marked


def _named(field: "Field[Any]", names: Mapping[str, str]) -> "Field[Any]":
    other = copy(field)
    other.name = names.get(field.name, field.name)
    return other


def _described(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"``(\w+)``", lambda name: f"``{names.get(name[1], name[1])}``", text)


def _taking(init: Callable[..., None], names: Mapping[str, str]) -> Callable[..., None]:
    """Return a constructor that also accepts written names; if both are given, the attribute wins.

    ``dataclasses.replace`` passes both.
    """

    @wraps(init)
    def both(self: object, *values: object, **named: object) -> None:
        for attribute, name in names.items():
            if name in named:
                value = named.pop(name)
                named.setdefault(attribute, value)
        init(self, *values, **named)

    return both
