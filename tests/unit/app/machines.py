"""Machines: a folder with a home, its vault and its recovery sheet, without stand-ins."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import copying
from homes import SECRET, MemoryConnector, fill
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.vault.init import InitRequest, init
from unlost.app.actions.vault.rebuild import Rebuild, RebuildResult, rebuild
from unlost.app.compose import Application, open_application
from unlost.app.home.database import disconnect
from unlost.model.ports.source import Connector
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.org import MemoryOrg


@dataclass
class Machine:
    """Homes come and go here; the vault and the sheet stay."""

    root: Path

    def __post_init__(self) -> None:
        self.clock, self.entropy = VirtualClock(), SeededEntropy()
        self.org = MemoryOrg(self.clock)
        fill(self.org)
        self.connector = MemoryConnector({"one": self.org})
        self.vault, self.sheet = self.root / "vault", self.root / "sheet.txt"
        self.home = self.root / "home"
        place = InitRequest(self.home, vault=self.vault, recovery_out=self.sheet)
        init(place, confirm=lambda _: None, clock=self.clock, entropy=self.entropy)

    def load(self, _name: str) -> Connector:
        return self.connector

    def opened(self) -> Application:
        return open_application(
            self.home, clock=self.clock, entropy=self.entropy, connectors=self.load
        )

    def lost(self) -> None:
        """The home is gone; its key was saved."""
        shutil.copy(self.home / "keys" / "home.key", self.root / "saved.key")
        shutil.rmtree(self.home)

    def rebuilt(self, *, home_key: Path | None = None, copy: int | None = None) -> RebuildResult:
        place = InitRequest(self.home, vault=self.vault)
        wish = Rebuild(place, self.sheet.read_text(), home_key=home_key, copy=copy)
        return rebuild(wish, clock=self.clock, entropy=self.entropy, connectors=self.load)


def with_sales(machine: Machine) -> None:
    """The org at address "one" is added under the name "sales"."""
    with machine.opened() as app:
        add_org(app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))


def machine_scene(live: Callable[[Machine], object]) -> Any:
    """A fixture: a function that gives a machine in the state to which ``live`` leads.

    ``live`` runs once a session. Homes name their vaults and mirrors by absolute paths, so all
    these machines are in one folder, which is filled again for each of them.
    """

    @pytest.fixture(scope="session")
    def lived(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Machine]:
        folder = tmp_path_factory.mktemp("machine")
        place, saved = folder / "place", folder / "saved"
        earlier = Machine(place)
        live(earlier)
        disconnect()
        shutil.copytree(place, saved)

        def again() -> Machine:
            disconnect()
            shutil.rmtree(place)
            shutil.copytree(saved, place)
            # Who was asked to sign in is of no interest any more.
            return copying.deep(earlier, {id(earlier.connector.contexts): []})

        return again

    return lived
