"""Take typed words as they are where nothing must be converted.

Typer converts each value with Pydantic. Importing it takes as long as reading a record from the
vault, and most values stay as they are: texts, flags, defaults. Other values, and wrong ones, are
still converted by Typer. See docs/adr/0039.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from typer.core import TyperCommand


class VerbCommand(TyperCommand):
    """The command of a verb, which imports Pydantic only for values that need it."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, also ``--help``."""
        return [lazily_converted(param) for param in super().get_params(ctx)]


def lazily_converted(param: Any) -> Any:
    """Return the parameter, which asks Typer's conversion only for values that need it."""
    conversion = LazyConversion(partial(type(param).get_runtime_param, param))
    param.get_runtime_param = lambda: conversion
    return param


@dataclass(frozen=True, slots=True)
class LazyConversion:
    """The conversion of a parameter, which loads Typer's when a value needs it."""

    load: Callable[[], Any]

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value in the type of the parameter; raises as Typer does."""
        if is_converted(value, param):
            return value
        if is_usable_path(value, param):
            return Path(value)
        return self.load().coerce(value, param=param, ctx=ctx)


def is_converted(value: Any, param: Any) -> bool:
    """Return true if the value already has the type of the parameter."""
    if param.multiple or param.nargs != 1 or param.type_descriptor.parameter_info.parser:
        return False
    is_text = param.type_descriptor.annotation is str and isinstance(value, str)
    return value is None or value is param.default or is_text


def is_usable_path(value: Any, param: Any) -> bool:
    """Return true if the value is a readable path, and the parameter asks for nothing else."""
    kind, wanted = param.type_descriptor, param.type_descriptor.parameter_info
    if param.multiple or param.nargs != 1 or kind.annotation is not Path or wanted.parser:
        return False
    is_any_path = wanted.file_okay and wanted.dir_okay and wanted.path_type is None
    is_checked = wanted.writable or wanted.resolve_path
    return is_any_path and not is_checked and os.access(value, os.R_OK)
