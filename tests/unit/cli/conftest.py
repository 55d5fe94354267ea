from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import World, fill
from scenes import Lead, scene
from terminals import Terminal
from unit.cli.typed import with_sales, work_at


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose home is the one that commands work with."""
    made = World(tmp_path / "home")
    fill(made.org)
    work_at(made, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def unlost(world: World, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal at a home without orgs."""
    return Terminal(world, capsys)


added = scene(with_sales)


@pytest.fixture
def sales(unlost: Terminal, added: Lead) -> Terminal:
    """A terminal at a home with the org "sales"."""
    added(unlost.world)
    return unlost
