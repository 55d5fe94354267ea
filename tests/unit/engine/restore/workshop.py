"""A small maker of sweets under nightly backups, whose records get lost: for tests of restores."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unit.engine.scene import Scene
from unlost.engine.restore.running.execute import execute
from unlost.engine.restore.running.readback import ENDINGS
from unlost.engine.restore.running.session import RestorePorts
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.outcome import (
    Ending,
    ParkedRestore,
    RecordOutcome,
    RestoreOutcome,
)
from unlost.engine.restore.values.plan_file import sealed
from unlost.model.plan import (
    PLAN_FORMAT,
    Action,
    ActionReason,
    PlanStep,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
)
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.source.writing import ByProduct, WriteCapability
from unlost.testing.memory_writer import MemoryWriter
from unlost.testing.platform import EVERY_OP, Platform

TEXT = WireKind.TEXT


class Workshop(Scene):
    """Accounts (a hierarchy), contacts (details), cases, a cycle of two tables, papers."""

    def __init__(self, work: Path, **options: Any) -> None:
        super().__init__(work, **options)
        ref, rule = Reference, DeleteRule
        link = WireKind.REFERENCE
        self.org.add_table(
            "Account",
            {"Name": TEXT, "Number": TEXT, "Parent": link},
            references={"Parent": ref(("Account",), rule.SET_NULL)},
        )
        self.org.add_table(
            "Contact",
            {"Name": TEXT, "Account": link},
            references={"Account": ref(("Account",), rule.CASCADE)},
        )
        self.org.add_table(
            "Memo",
            {"Name": TEXT, "About": link},
            references={"About": ref(("Account", "Contact"), rule.SET_NULL)},
        )
        self.org.add_table(
            "Paper",
            {"Name": TEXT, "Account": link},
            files=True,
            references={"Account": ref(("Account",), rule.SET_NULL)},
        )
        self.platform = Platform(self.org)
        self.writer: Any = MemoryWriter(self.platform)

    # --- people ------------------------------------------------------------------------------------

    def make(self, table: str, name: str, **cells: str | None) -> str:
        return self.org.create(table, {"Name": name, **cells})

    def lose(self, table: str, record: str) -> None:
        """Delete with everything below it, and empty the bin."""
        self.platform.delete(table, record, by="U2")
        self.platform.purge_bin()

    def live(self, table: str) -> dict[str, dict[str, str | None]]:
        """Live records by id."""
        return {key: held.cells for key, held in self.platform.live(table)}

    def named(self, table: str, name: str) -> tuple[str, dict[str, str | None]]:
        """The one live record of this name."""
        (found,) = [(k, c) for k, c in self.live(table).items() if c["Name"] == name]
        return found

    # --- plans -------------------------------------------------------------------------------------

    def step(self, table: str, record: str, action: Action, **more: Any) -> PlanStep:
        """A step for the state of the record in the newest snapshot that had it alive."""
        version = [v for v in self.vault.history(self.oid, table, record) if v.op.alive][-1]
        schema = self.vault.at(self.oid, version.snapshot).schema().table(table)
        cells = {c.name: version.cells[c.name] for c in schema.columns if c.name in version.cells}
        made = PlanStep(
            table, record, action, ActionReason.SELECTED, version.snapshot, digest(schema, cells)
        )
        return replace(made, **more)

    def plan(self, *steps: PlanStep, name: str = "p1") -> RestorePlan:
        keys = tuple(RecordKey(one.table, one.record) for one in steps)
        return sealed(
            RestorePlan(
                format=PLAN_FORMAT,
                id=name,
                org=self.oid,
                target=self.oid,
                snapshot=self.head.info.number,
                made_at=self.clock.now(),
                selection=Selection(SelectionKind.RECORDS, keys),
                related=True,
                steps=steps,
            )
        )

    def restore_ports(self) -> RestorePorts:
        return RestorePorts(
            writer=self.writer,
            vault=self.vault,
            lease=self.lease,
            clock=self.clock,
            observer=self.observer,
        )

    def restore(self, plan: RestorePlan) -> RestoreOutcome:
        """Run a plan; it must end."""
        outcome = self.try_restore(plan)
        assert isinstance(outcome, RestoreOutcome), outcome
        assert_as_planned(plan, outcome)
        return outcome

    def try_restore(self, plan: RestorePlan) -> RestoreOutcome | ParkedRestore:
        return execute(plan, self.restore_ports())

    def writes(self) -> list[tuple[str, str, int]]:
        """The calls that wrote."""
        looks = ("find", "fetch", "referrers", "prepare", "recent", "settle", "automation", "locks")
        return [call for call in self.writer.calls if call[0] not in looks]


def assert_as_planned(plan: RestorePlan, outcome: RestoreOutcome) -> None:
    """Each record ends as the plan said, or the result says why not: so all numbers agree."""
    steps = [step for step in plan.steps if not step.is_left_out]
    for step, record in zip(steps, outcome.records, strict=True):
        assert (record.table, record.record) == (step.table, step.record)
        if record.ending is not ENDINGS.get(step.action, Ending.SKIPPED):
            assert record.code, f"{step.action} became {record.ending}, and nobody says why"
            assert record.sentence, record


def endings(outcome: RestoreOutcome) -> dict[str, Ending]:
    """Ending by record."""
    return {one.record: one.ending for one in outcome.records}


def of(outcome: RestoreOutcome, record: str) -> RecordOutcome:
    """The outcome of one record."""
    (found,) = [one for one in outcome.records if one.record == record]
    return found


def add_editions(shop: Workshop) -> None:
    """Editions of a document, which the org creates with the first of them."""
    shop.org.add_table("Document", {"Name": WireKind.TEXT})
    shop.org.add_table(
        "Edition",
        {"Name": WireKind.TEXT, "Document": WireKind.REFERENCE},
        references={"Document": Reference(("Document",))},
    )
    shop.platform.allow(
        WriteCapability(
            "Edition",
            ops=EVERY_OP,
            settable=frozenset({"Name", "Document"}),
            changeable=frozenset({"Name"}),
            by_products=(ByProduct("Document", "Document", reuse=True),),
            rows_per_call=1,
        )
    )


def levels(steps: Sequence[PlanStep]) -> tuple[PlanStep, ...]:
    """The steps, each on a level of its own."""
    return tuple(replace(step, level=at) for at, step in enumerate(steps))


class Lost:
    """An account with a contact and a memo about it, backed up and lost."""

    def __init__(self, shop: Workshop) -> None:
        self.account = shop.make("Account", "Candy", Number="007")
        self.contact = shop.make("Contact", "Ann", Account=self.account)
        shop.night()
        shop.lose("Account", self.account)
        shop.night()
        self.steps = levels(
            [
                shop.step("Account", self.account, Action.CREATE),
                shop.step("Contact", self.contact, Action.CREATE),
            ]
        )


class Overwritten:
    """A live account whose number was overwritten."""

    def __init__(self, shop: Workshop) -> None:
        self.account = shop.make("Account", "Candy", Number="007")
        shop.night()
        self.step = shop.step(
            "Account", self.account, Action.UPDATE, live=self.account, columns=("Number",)
        )
        shop.org.update("Account", self.account, {"Number": "999"})
        shop.night()
        schema = shop.head.schema().table("Account")
        assert schema is not None
        self.expect = digest(schema, {"Number": "999"})
