"""Connectors are found by folder and by entry point; a broken package says so."""

from importlib.metadata import EntryPoint

import pytest

from unlost.app.home import discovery
from unlost.app.home.discovery import connector_names, load_connector
from unlost.model.errors import NotFound, UsageError


def test_folders_are_connectors() -> None:
    assert "salesforce" in connector_names()
    assert load_connector("salesforce").name == "salesforce"


def test_an_unknown_one_names_those_that_are_there() -> None:
    with pytest.raises(NotFound) as caught:
        load_connector("netsuite")
    assert caught.value.code == "connector-unknown"
    assert "salesforce" in caught.value.next_step


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("memory", "homes:MemoryConnector", discovery.GROUP),
        EntryPoint("broken", "nowhere.at.all:CONNECTOR", discovery.GROUP),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)


@pytest.mark.usefixtures("installed")
def test_packages_bring_connectors_by_entry_point() -> None:
    assert {"broken", "memory", "salesforce"} <= set(connector_names())
    assert load_connector("memory").name == "memory"


@pytest.mark.usefixtures("installed")
def test_a_package_that_cannot_be_loaded_says_so() -> None:
    with pytest.raises(UsageError, match="nowhere") as caught:
        load_connector("broken")
    assert caught.value.code == "connector-broken"
