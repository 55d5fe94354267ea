"""The registry of lists of lines, by the names of their golden files."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from pins import computed, enums, interfaces, outputs, steps, written_vault

LISTINGS: dict[str, Callable[[], Iterable[str]]] = {
    "results": interfaces.results,
    "requests": interfaces.requests,
    "actions": interfaces.actions,
    "details": interfaces.details,
    "enums": enums.enums,
    "computed": computed.computed,
    "columns": lambda: written_vault.columns(vault()),
    "objects": lambda: written_vault.objects(vault()),
    "metrics": outputs.metrics,
    "events": outputs.events,
    "person": outputs.person,
    "steps": lambda: steps.step_names(Path(mkdtemp()) / "steps"),
}


@cache
def vault() -> written_vault.WrittenVault:
    """Write one vault for all lists."""
    return written_vault.write_vault()
