"""An org that lost records: plans that restore them, and the journal of an interrupted restore."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from unit.engine.restore.atelier import LINK, Atelier
from unit.engine.restore.workshop import TEXT
from unlost.engine.restore.journal.entries import decode
from unlost.engine.restore.journal.log import RestoreLog, RestoreState
from unlost.engine.restore.planning.plan import plan_again, plan_restore
from unlost.engine.restore.planning.shown.summary import PlanSummary
from unlost.engine.restore.running.execute import execute, run_of
from unlost.engine.restore.values.edits import Edits
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.model.plan import RecordKey, RestorePlan, Selection, SelectionKind, TwinPolicy
from unlost.model.source.schema import DeleteRule, Reference
from unlost.model.source.writing import Birth, ByProduct, Identity, MatchKey, WriteOp
from unlost.testing.faults import Crash
from unlost.vault.layout import object_names

RECORDS, LOST, CHANGED = SelectionKind.RECORDS, SelectionKind.LOST, SelectionKind.CHANGED
PURGED = ("Memo", "Paper", "Mother", "Daughter", "Document", "Fixed")


@dataclass(frozen=True, slots=True)
class Losses:
    """An org after two backups, with the records of the first by name."""

    shop: Atelier
    records: Mapping[str, RecordKey]


def lose_records(folder: Path) -> Losses:
    """Lose records so that each action occurs in a plan.

    Two accounts that refer to each other are purged, one is in the recycle bin, one changed. A memo has a twin, a
    document is created by its edition, and records of the table Fixed cannot be created.
    """
    folder.mkdir()
    shop = Atelier(folder)
    _add_tables(shop)
    records = _create_records(shop)
    shop.night()
    for name in PURGED:
        shop.lose(records[name].table, records[name].record)
    shop.org.update("Account", records["Changed"].record, {"Number": "9"})
    shop.platform.delete("Account", records["Binned"].record, by="U2")
    shop.make("Memo", "call")
    shop.night()
    return Losses(shop, records)


def _add_tables(shop: Atelier) -> None:
    cascade = {"Document": Reference(("Document",), DeleteRule.CASCADE)}
    shop.org.add_table("Document", {"Name": TEXT})
    shop.org.add_table(
        "Edition", {"Name": TEXT, "Number": TEXT, "Document": LINK}, files=True, references=cascade
    )
    shop.org.add_table("Fixed", {"Name": TEXT})
    product = ByProduct("Document", "Document", reuse=True, order="Number")
    shop.allow("Edition", by_products=(product,))
    shop.allow("Document", birth=Birth.BY_PRODUCT)
    shop.allow("Account", identity=Identity.UNDELETE)
    shop.allow("Memo", keys=(MatchKey(("Name",)),))
    shop.allow("Fixed", ops=frozenset({WriteOp.UPDATE}))


def _create_records(shop: Atelier) -> dict[str, RecordKey]:
    records: dict[str, RecordKey] = {}

    def create(name: str, table: str, **cells: str | None) -> str:
        records[name] = RecordKey(table, shop.make(table, name, **cells))
        return records[name].record

    mother = create("Mother", "Account", Number="1")
    daughter = create("Daughter", "Account", Number="2", Parent=mother)
    shop.org.update("Account", mother, {"Parent": daughter})
    for number, name in enumerate(("Changed", "Binned", "Same"), start=3):
        create(name, "Account", Number=str(number))
    contact = create("Ann", "Contact", Account=daughter)
    records["Memo"] = RecordKey("Memo", shop.make("Memo", "call", About=contact))
    records["Paper"] = RecordKey("Paper", shop.org.attach("Paper", "recipe", b"cocoa"))
    shop.org.update("Paper", records["Paper"].record, {"Account": mother})
    document = create("Document", "Document")
    edition = shop.org.attach("Edition", "v1", b"prices")
    shop.org.update("Edition", edition, {"Document": document, "Number": "1"})
    create("Fixed", "Fixed")
    return records


def make_plans(folder: Path) -> dict[str, RestorePlan]:
    """Make a plan of each kind."""
    losses = lose_records(folder)
    shop, records = losses.shop, losses.records
    lost = Selection(LOST, after=1, until=2)
    accounts = Selection(LOST, after=1, until=2, table="Account")
    changed = Selection(CHANGED, after=1, until=2, table="Account", columns=("Number",))
    typed = Edits(
        {records["Mother"]: {"Number": "77", "Name": None}}, {records["Binned"]: "A-other"}
    )
    plans = {
        "records": _plan(shop, "records", Selection(RECORDS, tuple(records.values())), at=1),
        "lost": _plan(shop, "lost", lost),
        "lost-table": _plan(shop, "lost-table", accounts),
        "changed": _plan(shop, "changed", changed),
        "typed": _plan(shop, "typed", lost, edits=typed),
    }
    failed = {records["Mother"], records["Ann"]}
    again = plan_again(
        plans["lost"], failed, shop.planning(), plan_id="plan-again", twins=TwinPolicy.ADOPT
    )
    return {**plans, "again": again}


def _plan(shop: Atelier, name: str, selection: Selection, **options: Any) -> RestorePlan:
    return plan_restore(
        shop.oid,
        shop.planning(),
        selection,
        twins=TwinPolicy.ADOPT,
        plan_id=f"plan-{name}",
        **options,
    )


def without_sentences(summary: PlanSummary) -> Any:
    """Convert a summary to JSON without its sentences: their wording may change."""
    plain = msgspec.json.decode(msgspec.json.encode(summary))
    plain["notes"] = sorted({note.code for note in summary.notes})
    return plain


def interrupt(losses: Losses, plan: RestorePlan) -> list[bytes]:
    """Run a plan until its process ends after a contact was created, and give the journal.

    A record changed after the plan was made, which is a conflict.
    """
    shop = losses.shop
    shop.org.update("Account", losses.records["Changed"].record, {"Number": "10"})
    shop.writer.faults.plant("written", Crash(), table="Contact")
    with suppress(Crash):
        execute(plan, shop.restore_ports())
    return journal_of(losses, run_of(plan))


def resume_from(losses: Losses, run: str, journal: Sequence[bytes]) -> RestoreOutcome:
    """Replace the journal of an interrupted run, and resume it."""
    shop = losses.shop
    for entry in list(shop.store.list(object_names.journal(shop.oid, run))):
        shop.store.delete(entry.name)
    shop.reopen()
    written = shop.vault.journal(shop.oid, run)
    for payload in journal:
        written.append(payload)
    outcome = execute(RestoreLog(written).opened.plan, shop.restore_ports())
    assert isinstance(outcome, RestoreOutcome)
    return outcome


def journal_of(losses: Losses, run: str) -> list[bytes]:
    """Read the journal of a run."""
    return list(losses.shop.vault.journal(losses.shop.oid, run).read())


def count_entries(journal: Sequence[bytes]) -> Counter[str]:
    """Count the entries of a journal by their tags."""
    entries = (entry for payload in journal for entry in decode(payload))
    return Counter(str(type(entry).__struct_config__.tag) for entry in entries)


class _Payloads:
    """A journal for reading."""

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self._payloads = payloads

    def read(self) -> Sequence[bytes]:
        """Give all payloads."""
        return self._payloads


def state_of(journal: Sequence[bytes]) -> RestoreState:
    """Rebuild the state of a run from its journal."""
    return RestoreLog(_Payloads(journal)).state  # type: ignore[arg-type]


def decisions(state: RestoreState) -> Any:
    """Describe the facts by which a resumed run decides, as JSON."""
    return {
        "opened": state.opened is not None,
        "closed": state.closed is not None,
        "links": {str(key): live for key, live in sorted(state.links.items(), key=str)},
        "results": {
            stage.value: {
                str(key): result.kind.value for key, result in sorted(results.items(), key=str)
            }
            for stage, results in state.results.items()
        },
        "open": {
            str(number): [intent.op.value, intent.table] for number, intent in state.open.items()
        },
        "returned": sorted(state.returned),
        "calls": state.calls,
    }


def endings(outcome: RestoreOutcome) -> dict[str, str]:
    """Give the ending of each record."""
    return {f"{record.table}/{record.record}": record.ending.value for record in outcome.records}
