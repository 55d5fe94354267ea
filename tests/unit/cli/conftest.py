from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import SECRET, World, fill
from terminals import Terminal
from unlost.app import compose


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose home is the one that commands work with."""
    made = World(tmp_path / "home")
    fill(made.org)
    monkeypatch.setenv("UNLOST_HOME", str(made.home.root))
    monkeypatch.setattr(compose, "open_application", made.opened_at)
    monkeypatch.setattr("unlost.app.home.discovery.connector_names", lambda: ["memory"])
    monkeypatch.setattr("unlost.app.home.discovery.load_connector", made.load)
    yield made
    made.close()


@pytest.fixture
def unlost(world: World, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal at a home without orgs."""
    return Terminal(world, capsys)


@pytest.fixture
def sales(unlost: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal at a home with the org "sales"."""
    monkeypatch.setenv("UNLOST_PASSWORD", SECRET)
    assert unlost("org", "add", "memory", "sales", "--address", "one").code == 0
    monkeypatch.delenv("UNLOST_PASSWORD")
    return unlost
