"""A restore that can be undone, and the org before and after it."""

from dataclasses import replace

from unit.engine.restore.atelier import Atelier
from unlost.engine.restore.running.execute import run_of
from unlost.model.plan import Action, RecordKey, RestorePlan
from unlost.model.source.writing import Identity
from unlost.model.vault.lineage import resolve

type Org = dict[str, dict[str, dict[str, str | None]]]


def org_of(shop: Atelier) -> Org:
    """Everything that is live."""
    return {name: {k: dict(v) for k, v in shop.live(name).items()} for name in shop.org.tables}


class Restored:
    """A lost account with a contact, restored; and the org before that."""

    def __init__(self, shop: Atelier) -> None:
        self.shop = shop
        account = shop.make("Account", "Candy", Number="007")
        shop.make("Contact", "Ann", Account=account)
        self.memo = shop.make("Memo", "Call", About=account)
        shop.night()
        shop.lose("Account", account)
        shop.night()
        self.account = account
        self.before = org_of(shop)
        self.plan = shop.plan_of(("Account", account))
        shop.restore(self.plan)
        self.after = org_of(shop)
        self.live = shop.named("Account", "Candy")[0]

    @property
    def run(self) -> str:
        return run_of(self.plan)


def restored_circle(shop: Atelier) -> RestorePlan:
    """The plan of a restore of two lost records that refer to each other."""
    team = shop.make("Team", "Reds")
    player = shop.make("Player", "Ann", Team=team)
    shop.org.update("Team", team, {"Lead": player})
    shop.night()
    shop.lose("Team", team)
    shop.lose("Player", player)
    shop.night()
    plan = shop.plan_of(("Team", team), ("Player", player))
    shop.restore(plan)
    return plan


def actions(plan: RestorePlan) -> dict[tuple[str, Action], int]:
    counts: dict[tuple[str, Action], int] = {}
    for step in plan.steps:
        counts[step.table, step.action] = counts.get((step.table, step.action), 0) + 1
    return counts


def codes(plan: RestorePlan) -> set[str]:
    return {note.code for note in plan.notes}


def life(shop: Atelier, record: str) -> str | None:
    """The live record that stands for one of the vault."""
    rows = shop.vault.lineage(shop.oid, table="Account")
    return resolve(rows, org=shop.oid, target=shop.oid).get(RecordKey("Account", record))


def binned(shop: Atelier, *tables: str) -> None:
    """Records of these tables leave the bin with their ids."""
    for table in tables:
        shop.platform.allow(replace(shop.platform.capability(table), identity=Identity.UNDELETE))
