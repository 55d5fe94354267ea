"""The written shape of a type: a line for each place in it, without the names of classes.

    tables: list
    tables[]: object
    tables[].name: text
    tables[].kind: one of 'id', 'reference', 'text' = "text"
    tables[].finding: null or object = null

A place is the path of written names to it: ``[]`` stands for the entries of a list, ``[0]`` for an entry of a list of
fixed length, ``{}`` for the values of a map, ``<tag>`` for one of the objects of a union. The value behind ``=`` is the
default: readers use it where the name is missing.
"""

import dataclasses
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from unlost.model.source.reading import Json

KINDS = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "bytes",
    datetime: "instant",
    date: "date",
    time: "time",
    timedelta: "duration",
    Path: "path",
    Any: "anything",
    object: "anything",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object by its written name, with its default where it has one."""

    name: str
    hint: Any
    required: bool
    default: Any = None


def shape(hint: Any, place: str = "", default: str = "") -> list[str]:
    """List the places of a type, in the order in which they are written."""
    return list(dict.fromkeys(_lines(hint, place, default, ())))


def default_text(value: object) -> str:
    """Write a default as it stands in a line."""
    return f" = {msgspec.json.encode(value, enc_hook=str).decode()}"


def value_shape(value: object, place: str = "") -> Iterator[str]:
    """List the places of a plain value."""
    if isinstance(value, dict) and value:
        for name, entry in value.items():
            yield from value_shape(entry, f"{place}.{name}" if place else name)
    elif isinstance(value, list) and value:
        lines = (line for entry in value for line in value_shape(entry, f"{place}[]"))
        yield from dict.fromkeys(lines)
    else:
        kind = {dict: "map", list: "list"}.get(type(value)) or KINDS[type(value)]
        yield f"{place}: {kind}"


def kind_of(hint: Any) -> str:
    """Name the kind of JSON value that is written for a type."""
    hint = unaliased(hint)
    if hint in KINDS:
        return KINDS[hint]
    if is_union(hint):
        return " or ".join(sorted(set(map(kind_of, typing.get_args(hint)))))
    if is_map(hint):
        return f"map by {kind_of(typing.get_args(hint)[0])}"
    if is_list(hint) or typing.get_origin(hint) is tuple:
        return "list"
    if is_enum(hint):
        return f"one of {enum_values(hint)}"
    assert is_object(hint), hint
    return " ".join(("object", *_struct_options(hint)))


def enum_values(kind: type[Enum]) -> str:
    """List the values of an enum, sorted: their order is not written."""
    return ", ".join(sorted(repr(member.value) for member in kind))


def tag_of(kind: Any) -> str:
    """Give the tag by which readers tell this object of a union from the others."""
    return str(kind.__struct_config__.tag)


@cache
def fields_of(kind: Any) -> tuple[Field, ...]:
    """List the fields of an object, in the order in which they are written."""
    if issubclass(kind, msgspec.Struct):
        return tuple(
            _field(f.encode_name, f.type, f.default, f.default_factory, msgspec.NODEFAULT)
            for f in msgspec.structs.fields(kind)
        )
    hints = typing.get_type_hints(kind)
    return tuple(
        _field(f.name, hints[f.name], f.default, f.default_factory, dataclasses.MISSING)
        for f in dataclasses.fields(kind)
        if not f.name.startswith("_")  # msgspec does not write these
    )


def entries_of(hint: Any) -> Iterator[tuple[str, Any]]:
    """List the entries of a container: the end of their place, and their type."""
    arguments = typing.get_args(hint)
    if is_map(hint):
        yield "{}", unaliased(arguments[1])
    elif is_list(hint):
        yield "[]", unaliased(arguments[0])
    elif typing.get_origin(hint) is tuple:
        for number, argument in enumerate(arguments):
            yield f"[{number}]", unaliased(argument)


def members_of(hint: Any) -> list[Any]:
    """List the types of a union."""
    return [unaliased(argument) for argument in typing.get_args(hint)]


def unaliased(hint: Any) -> Any:
    """Resolve the alias of a type. JSON of any kind contains itself, so it is not resolved further."""
    if isinstance(hint, typing.TypeAliasType):
        return Any if hint is Json else unaliased(hint.__value__)
    return hint


def is_union(hint: Any) -> bool:
    """True for a union of types."""
    return typing.get_origin(hint) in (types.UnionType, typing.Union)


def is_map(hint: Any) -> bool:
    """True for an object of JSON with free names."""
    return hasattr(typing.get_origin(hint), "keys")


def is_list(hint: Any) -> bool:
    """True for a list of any length, and for a set."""
    origin, last = typing.get_origin(hint), typing.get_args(hint)[-1:]
    fixed = origin is tuple and last != (Ellipsis,)
    return hasattr(origin, "__iter__") and not is_map(hint) and not fixed


def is_enum(hint: Any) -> bool:
    """True for an enum."""
    return isinstance(hint, type) and issubclass(hint, Enum)


def is_object(hint: Any) -> bool:
    """True for an object of JSON with fields."""
    is_class = isinstance(hint, type)
    return is_class and (dataclasses.is_dataclass(hint) or issubclass(hint, msgspec.Struct))


def _lines(hint: Any, place: str, default: str, inside: tuple[Any, ...]) -> Iterator[str]:
    yield f"{place or 'all'}: {kind_of(hint)}{default}"
    yield from _below(unaliased(hint), place, inside)


def _below(hint: Any, place: str, inside: tuple[Any, ...]) -> Iterator[str]:
    """List the places inside a type; a type that contains itself is listed once."""
    if is_union(hint):
        tagged = sum(map(is_object, members_of(hint))) > 1
        for member in members_of(hint):
            tag = f"<{tag_of(member)}>" if tagged and is_object(member) else ""
            yield from _below(member, f"{place}{tag}", inside)
    elif is_object(hint) and hint not in inside:
        prefix = f"{place}." if place else ""
        for field in fields_of(hint):
            default = "" if field.required else default_text(field.default)
            yield from _lines(field.hint, f"{prefix}{field.name}", default, (*inside, hint))
    else:
        for suffix, entry in entries_of(hint):
            yield from _lines(entry, f"{place}{suffix}", "", inside)


def _struct_options(kind: Any) -> Iterator[str]:
    """Name the options of a struct that change its text."""
    if issubclass(kind, msgspec.Struct):
        config = kind.__struct_config__
        assert not config.array_like, kind
        if config.tag_field:
            yield f"with {config.tag_field} {config.tag!r}"
        if config.omit_defaults:
            yield "without defaults"
        if config.forbid_unknown_fields:
            yield "and nothing else"


def _field(name: str, hint: Any, default: Any, factory: Any, missing: object) -> Field:
    if default is missing and factory is missing:
        return Field(name, hint, required=True)
    return Field(name, hint, required=False, default=factory() if default is missing else default)
