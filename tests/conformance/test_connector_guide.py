"""The connector that the guide for authors of connectors shows keeps its promises.

``test_commands`` runs the commands of the page, too.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType

import pytest

from docs.test_commands import FILE, write_files
from unlost.model.ports.source import Connector
from unlost.testing.connecting import ConnectorContract
from unlost.testing.connectors import SourceContract
from unlost.testing.moving_orgs import MovingOrgContract, MovingRightsContract
from unlost.testing.writers import WriterContract

pytestmark = pytest.mark.network

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "write-a-connector.md"
CONTRACTS = (
    ConnectorContract, SourceContract, MovingOrgContract, MovingRightsContract, WriterContract,
)  # fmt: skip
LEFT_OUT = {MovingRightsContract}  # all users of a shop see everything


def shown() -> ModuleType:
    """The tests of the page, beside its other files."""
    folder = mkdtemp(prefix="unlost-guide-")
    write_files(PAGE, Path(folder))
    sys.path.insert(0, folder)
    try:
        return import_module("test_toy")
    finally:
        sys.path.remove(folder)


GUIDE = shown()
# Collected here, because the page is no module.
for name, value in vars(GUIDE).items():
    if name.startswith("Test") or name in {"server", "config"}:
        globals()[name] = value


def contracts_of_the_guide() -> Iterator[type]:
    for value in vars(GUIDE).values():
        if isinstance(value, type) and value.__name__.startswith("Test"):
            yield from (contract for contract in CONTRACTS if issubclass(value, contract))


def test_the_guide_runs_all_contracts_that_it_names() -> None:
    assert {*contracts_of_the_guide()} == {*CONTRACTS} - LEFT_OUT
    text = PAGE.read_text("utf-8")
    for contract in CONTRACTS:
        assert f"`{contract.__module__.split('.')[-1]}.{contract.__name__}`" in text


def test_all_code_of_the_page_is_executed() -> None:
    text = PAGE.read_text("utf-8")
    blocks = text.count("```python\n") + text.count("```toml\n")
    assert len(FILE.findall(text)) == blocks > 5
    connector: Connector = GUIDE.CONNECTOR
    assert connector.name == "toy"
