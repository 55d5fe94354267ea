"""Example values of a type: whole examples with every field set, and a minimal one with the required fields."""

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zlib import crc32

import msgspec

from pins.shapes import (
    entries_of,
    fields_of,
    is_enum,
    is_list,
    is_map,
    is_object,
    is_union,
    members_of,
    unaliased,
)

AT = datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=UTC)
ANYTHING = {"any": [1, "two", None]}
PLAIN: dict[Any, Any] = {
    bytes: b"bytes",
    datetime: AT,
    date: AT.date(),
    time: time(1, 30),
    timedelta: timedelta(minutes=5),
    type(None): None,
    Any: ANYTHING,
    object: ANYTHING,
}
FIXED = {"format": 1}  # readers refuse a newer format


@dataclass(frozen=True, slots=True)
class Examples:
    """Makes examples. ``fixed`` gives the values of some fields by written name; the others follow from the names."""

    fixed: Mapping[str, Any] = field(default_factory=dict)

    def whole(self, hint: Any, *, turn: int = 0) -> Any:
        """Make a value with every field set. ``turn`` selects the member of each enum and each union."""
        return self._value(unaliased(hint), "text", turn, ())

    def minimal(self, hint: Any) -> Any:
        """Make a value with the required fields alone, and with empty lists."""
        hint = unaliased(hint)
        if is_union(hint):
            members = members_of(hint)
            return None if type(None) in members else self.minimal(members[0])
        if is_object(hint):
            return _new(
                hint,
                {f.name: self._required(f.name, f.hint) for f in fields_of(hint) if f.required},
            )
        if is_map(hint):
            return {}
        if is_list(hint):
            return _as_list(hint, [])
        if typing.get_origin(hint) is tuple:
            return tuple(self.minimal(entry) for _, entry in entries_of(hint))
        return self._value(hint, "text", 0, ())

    def _required(self, name: str, hint: Any) -> Any:
        values = {**FIXED, **self.fixed}
        return values[name] if name in values else self.minimal(hint)

    def _value(self, hint: Any, name: str, turn: int, inside: tuple[Any, ...]) -> Any:
        values = {**FIXED, **self.fixed}
        if name in values:
            return values[name]
        if is_union(hint):
            members = [
                member
                for member in members_of(hint)
                if member is not type(None) and inside.count(member) < 2
            ]
            return self._value(members[turn % len(members)], name, turn, inside)
        if is_enum(hint):
            return sorted(hint)[turn % len(hint)]
        if is_object(hint):
            return self._object(hint, turn, inside)
        if entries := list(entries_of(hint)):
            return self._container(hint, entries, name, turn, inside)
        if hint in (int, float):
            return hint(crc32(name.encode()) % 900 + 100)
        return PLAIN[hint] if hint in PLAIN else hint(name)

    def _object(self, kind: Any, turn: int, inside: tuple[Any, ...]) -> Any:
        """Make an object. A boolean differs from its default."""
        values = {
            f.name: not f.default
            if f.hint is bool
            else self._value(unaliased(f.hint), f.name, turn, (*inside, kind))
            for f in fields_of(kind)
        }
        return _new(kind, values)

    def _container(
        self,
        hint: Any,
        entries: list[tuple[str, Any]],
        name: str,
        turn: int,
        inside: tuple[Any, ...],
    ) -> Any:
        """Make a container with one entry in each place; a type that contains itself ends after two levels."""
        values = [
            self._value(entry, f"{name}{place.strip('[]{}')}", turn, inside)
            for place, entry in entries
            if inside.count(entry) < 2
        ]
        if is_map(hint):
            return {f"{name} key": value for value in values}
        return _as_list(hint, values) if is_list(hint) else tuple(values)


def _new(kind: Any, values: Mapping[str, Any]) -> Any:
    """Make an object of values by written name; a struct is built by the names of its attributes."""
    attributes = (
        {f.encode_name: f.name for f in msgspec.structs.fields(kind)}
        if issubclass(kind, msgspec.Struct)
        else {}
    )
    return kind(**{attributes.get(name, name): value for name, value in values.items()})


def turns(hint: Any) -> int:
    """Count the turns until each member of each enum and union was selected."""
    return max(_sizes(hint, ()), default=1)


def _sizes(hint: Any, inside: tuple[Any, ...]) -> Iterator[int]:
    hint = unaliased(hint)
    if is_enum(hint):
        yield len(hint)
    elif is_union(hint):
        yield len(members_of(hint))
        for member in members_of(hint):
            yield from _sizes(member, inside)
    elif is_object(hint) and hint not in inside:
        for f in fields_of(hint):
            yield from _sizes(f.hint, (*inside, hint))
    else:
        for _, entry in entries_of(hint):
            yield from _sizes(entry, inside)


def _as_list(hint: Any, values: list[Any]) -> Any:
    """Give the values the type that a reader gives them: a tuple or a set where the type says so."""
    origin = typing.get_origin(hint)
    return origin(values) if origin in (tuple, set, frozenset) else values
