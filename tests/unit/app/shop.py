"""A customer under backups, with all that belongs to it, which is then lost: for tests of restores."""

from pathlib import Path
from typing import Any

from homes import SECRET, WRITE_SECRET, World, lose_data
from scenes import reached, with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.actions.restores.restore_plan import PlanRequest, PlanResult, make_plan
from unlost.app.actions.restores.restore_run import RestoreResult, run_plan
from unlost.catalog.orgs.orgs import get_org
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.testing.memory_writer import MemoryWriter
from unlost.testing.org import MemoryOrg
from unlost.testing.platform import Platform

CUSTOMER = "A40017"
WRITER = NewWriter("sales", {}, {"password": WRITE_SECRET})


class Shop:
    """A customer with two contacts and a file, under backups; then all of it is lost."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._files = 0
        self._link("Contact", DeleteRule.CASCADE)
        self._link("Paper", DeleteRule.SET_NULL, files=True)
        for name in ("Ann", "Ben"):
            self.org.create("Contact", {"Name": name, "Account": CUSTOMER})
        self.paper = self.org.attach("Paper", "recipe.txt", b"cocoa and sugar")
        self.org.update("Paper", self.paper, {"Account": CUSTOMER})
        self.night()

    @property
    def folder(self) -> Path:
        """The folder of the test, for plans and other files."""
        return self.world.home.root.parent

    @property
    def org(self) -> MemoryOrg:
        return self.world.connector.orgs["one"]

    @property
    def app(self) -> Any:
        return self.world.app

    @property
    def oid(self) -> str:
        return get_org("sales").oid

    @property
    def writer(self) -> MemoryWriter:
        return self.world.connector.writer("one")

    @property
    def platform(self) -> Platform:
        return self.writer.platform

    def _link(self, table: str, rule: DeleteRule, *, files: bool = False) -> None:
        self.org.add_table(
            table,
            {"Name": WireKind.TEXT, "Account": WireKind.REFERENCE},
            references={"Account": Reference(("Account",), rule)},
            files=files,
        )

    def night(self) -> int:
        self.world.clock.advance(days=1)
        return backup(self.app, "sales").snapshot

    def lose(self, *more: str) -> None:
        """The customer, its contacts, its file, and other accounts, for ever."""
        for record in (CUSTOMER, *more):
            self.platform.delete("Account", record, by="U1")
        self.platform.delete("Paper", self.paper, by="U1")
        self.platform.purge_bin()

    def live(self, table: str) -> dict[str, dict[str, str | None]]:
        return {key: held.cells for key, held in self.platform.live(table)}

    def named(self, table: str, name: str) -> str:
        (found,) = [key for key, cells in self.live(table).items() if cells["Name"] == name]
        return found

    # --- plans -------------------------------------------------------------------------------------

    def out(self) -> Path:
        self._files += 1
        return self.folder / f"plan{self._files}.json"

    def plan(self, *records: str, **more: Any) -> PlanResult:
        return make_plan(self.app, PlanRequest("sales", records, **more), self.out())

    def whole_plan(self) -> PlanResult:
        return self.plan(f"Account/{CUSTOMER}", f"Paper/{self.paper}")

    def run(self, plan: PlanResult) -> RestoreResult:
        return run_plan(self.app, Path(plan.file))

    # --- disasters ---------------------------------------------------------------------------------

    def lose_database(self) -> None:
        """The application database is gone; org and writer are added again."""
        self.world.close()
        lose_data(self.world.home)
        self.world.app = self.world.opened()
        add_org(self.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
        set_writer(self.app, WRITER)


def open_shop(world: World) -> Shop:
    """The shop under one night, and no writer, in a new world."""
    return reached(world, begin_shop)


def begin_shop(world: World) -> Shop:
    """The shop under one night, and no writer, in this world and its vault."""
    with_sales(world)
    return Shop(world)


def lost_shop(world: World) -> Shop:
    """The shop with a writer, in a new world; the loss, and a night that saw it."""
    return reached(world, _lost)


def _lost(world: World) -> Shop:
    shop = open_shop(world)
    set_writer(shop.app, WRITER)
    shop.lose()
    shop.night()
    return shop
