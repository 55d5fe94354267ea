"""What must be true while records leave an org and after it, judged by what happened in the org.

A run's outcome is believed in one thing only: which records it names. What it deleted, and the last
values of it, the ledger knows.

A limit of an archive: it watches the tables of its plan, those that refer to them and those that they
name. It does not see that a trigger deletes records of other tables.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stateful.restore.archive_ledger import Gone, Ledger
from stateful.restore.town import LINKS, Town
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.running.passes import staying
from unlost.engine.restore.values.outcome import Ending, RecordOutcome, RestoreOutcome
from unlost.engine.restore.values.outcome_text import CHANGED_SINCE
from unlost.model.plan import PlanStep, RecordKey, RestorePlan
from unlost.model.source.reading import Op

STAYS = {
    CHANGED_SINCE,
    staying.REFERRED,
    staying.TOGETHER,
    staying.NO_COPY,
    staying.NO_SECOND_COPY,
    staying.UNLISTED,
    staying.ON_HOLD,
    staying.STOPPED,
}


UNWATCHED = {"Link"}  # never read for its changes: a trigger may take links along, unseen


@dataclass(frozen=True)
class Newest:
    """The newest version of a record in the vault."""

    op: Op
    cells: Mapping[str, Any]


@dataclass(frozen=True)
class ArchiveCase:
    """A run that ended. ``calm``: it met no fault, and people did nothing meanwhile."""

    plan: RestorePlan
    outcome: RestoreOutcome
    calm: bool

    @property
    def run(self) -> str:
        return run_of(self.plan)

    @property
    def watched(self) -> set[str]:
        """The tables of the plan, those that refer to them, and those that they name."""
        planned = {step.table for step in self.plan.steps}
        named = {t for table in planned for link in LINKS[table].values() for t in link.tables}
        naming = {
            table
            for table, links in LINKS.items()
            if any(planned & set(link.tables) for link in links.values())
        }
        return (planned | named | naming) - UNWATCHED

    @property
    def endings(self) -> dict[RecordKey, RecordOutcome]:
        return {record.key: record for record in self.outcome.records}

    @property
    def archived(self) -> set[RecordKey]:
        return {r.key for r in self.outcome.records if r.ending is Ending.ARCHIVED}


@dataclass
class ArchiveJudge:
    """``ended``: what runs that ended said that they archived. ``met`` counts what was judged."""

    town: Town
    ledger: Ledger
    met: Counter[str] = field(default_factory=Counter)
    ended: dict[str, set[RecordKey]] = field(default_factory=dict)

    # --- always ------------------------------------------------------------------------------------

    def nothing_lost(self) -> None:
        """Each record is live, or a person deleted it, or the vault has its last values."""
        assert not self.ledger.broken, f"{self.ledger.broken} are on hold, and were deleted"
        archived, newest = self._archived(), self._newest(self.ledger.gone)
        copies = {key for keys in self.ledger.created.values() for key in keys}
        for key, gone in self.ledger.gone.items():
            op = newest[key].op if key in newest else None
            if not self.ledger.is_ours(gone.by):
                foreign = op is Op.ARCHIVED and key not in self.ledger.archived
                assert not foreign, f"a person deleted {key}, and it counts as archived"
                continue
            is_archived = key in archived
            if key in copies or (key in self.ledger.triggered and not is_archived):
                continue  # the old file has its values; the outcome names it
            is_newest = key in newest and self._has(key, gone, newest[key].cells)
            if is_archived:
                assert op is Op.ARCHIVED, f"{key} was archived, and its newest version: {op}"
                assert is_newest, f"{key} was archived with other values: not {gone}"
                self.met["archived"] += 1
            elif key not in self.ledger.archived:
                assert op is not Op.ARCHIVED, f"{key} counts as archived, and no run says so"
            assert is_newest or self._had(key, gone), f"{key} is lost: {gone}"

    def _newest(self, keys: Iterable[RecordKey]) -> dict[RecordKey, Newest]:
        """The newest versions of records, of which the vault is asked table by table."""
        ids: dict[str, list[str]] = defaultdict(list)
        for key in keys:
            ids[key.table].append(key.record)
        vault, org = self.town.vault, self.town.oid
        snapshot = vault.at(org, vault.commits(org)[-1].number, forgotten=True)
        return {
            RecordKey(table, row["_u_id"]): Newest(Op(row["_u_op"]), row)
            for table in ids.keys() & snapshot.tables().keys()
            for row in snapshot.get(table, sorted(ids[table])).to_pylist()
        }

    def _archived(self) -> set[RecordKey]:
        """The records that are archived now: the newest run that deleted each has ended."""
        newest: dict[RecordKey, str] = {}
        for run, keys in self.ledger.deleted.items():
            newest |= dict.fromkeys(keys, run)
        return {key for key, run in newest.items() if key in self.ended.get(run, ())}

    def _had(self, key: RecordKey, gone: Gone) -> bool:
        """True if any version has the last values."""
        versions = self.town.vault.history(self.town.oid, key.table, key.record)
        return any(self._has(key, gone, version.cells) for version in versions)

    def _has(self, key: RecordKey, gone: Gone, cells: Mapping[str, Any]) -> bool:
        formers = self.ledger.formers(key)
        for column, value in gone.seen.cells.items():
            stored = cells.get(column)
            if stored != value and (column not in formers or stored != formers[column]):
                return False
        return gone.seen.body is None or self._has_file(key, gone.seen.body)

    def _has_file(self, key: RecordKey, body: bytes) -> bool:
        vault, org = self.town.vault, self.town.oid
        for number in {version.snapshot for version in vault.history(org, key.table, key.record)}:
            for file in vault.at(org, number, forgotten=True).files(key.table, [key.record]):
                with vault.open_file(org, file.blob) as stored:
                    if stored.read() == body:
                        return True
        return False

    def after_backup(self, tables: Collection[str]) -> None:
        """The backup has seen each live record of these tables."""
        live = {key: seen for key, seen in self.town.picture().items() if key.table in tables}
        newest = self._newest(live)
        for key, seen in live.items():
            op, cells = newest[key].op, newest[key].cells
            assert op is Op.STATE, f"{key} is live, and counts as {op}"
            stored = {column: cells.get(column) for column in seen.cells}
            assert stored == seen.cells, f"{key} is {seen.cells}, and the backup has {stored}"

    # --- after a run -------------------------------------------------------------------------------

    def judge(self, case: ArchiveCase) -> None:
        """All that must be true after a run."""
        self._count_unshared(case)
        deleted, endings = self._of_plan(case.run), case.endings
        assert len(endings) == len(case.outcome.records), "a record has two outcomes"
        live = self.town.picture()
        other = self._of_others(case)
        for key in deleted:
            told = endings.get(key)
            if told is None and key in self.ledger.triggered and key.table not in case.watched:
                self.met["out of sight"] += 1
                continue
            if told is None and key in self.ledger.triggered and key in live:
                self.met["back before the run looked"] += 1
                continue
            if told is None and key in self.ledger.triggered and key in other:
                # People brought it back from another archive, and no backup has seen it since.
                self.met["counts as another's"] += 1
                continue
            assert told is not None, f"{key} was deleted, and the run does not name it"
            if key in self.ledger.gone and self.ledger.is_ours(self.ledger.gone[key].by):
                assert told.code not in STAYS, f"{key} is gone, and is said to stay: {told}"
        for key, told in endings.items():
            self.met[f"{told.ending.value} {told.code}".strip()] += 1
            if told.ending is Ending.ARCHIVED:
                assert key in deleted | other, f"{key} was not deleted by the run: {told}"
                self.met["came back meanwhile"] += key in live
            else:
                assert told.code, f"{key}: {told}"
                assert told.sentence, f"{key}: {told}"
        planned = {step.key for step in case.plan.steps}
        assert planned <= endings.keys(), "records of the plan have no outcome"
        if case.outcome.whole:
            unseen = {key for key in deleted & self.ledger.triggered if key not in endings}
            assert planned - other <= deleted - unseen <= planned, (
                f"not the plan: {deleted ^ planned}"
            )
            self.met["whole"] += 1
        self._not_torn(case)
        self.ended[case.run] = case.archived
        self.nothing_lost()

    def _count_unshared(self, case: ArchiveCase) -> None:
        """Count what people deleted between the reading and the call: the org tells them not apart."""
        for key in case.archived - self.ledger.deleted[case.run]:
            if key.table in UNWATCHED and key in self.ledger.gone:
                self.ledger.deleted[case.run].add(key)
                self.ledger.archived.add(key)
                self.met["unshared meanwhile"] += 1

    def _of_plan(self, run: str) -> set[RecordKey]:
        """The records that a run deleted, without new ones of its own."""
        return self.ledger.deleted[run] - self.ledger.created[run]

    def _of_others(self, case: ArchiveCase) -> set[RecordKey]:
        """The records that another archive deleted, after this one had asked for it and died."""
        runs = [keys for run, keys in self.ledger.deleted.items() if run != case.run]
        gone = {key for key, gone in self.ledger.gone.items() if self.ledger.is_ours(gone.by)}
        return gone & set().union(*runs)

    def _not_torn(self, case: ArchiveCase) -> None:
        groups: dict[int, list[PlanStep]] = defaultdict(list)
        for step in case.plan.steps:
            groups[step.group].append(step)
        deleted, endings = self._of_plan(case.run), case.endings
        for group in groups.values():
            went = [step.key for step in group if step.key in deleted]
            rest = [endings[step.key] for step in group if step.key not in deleted]
            if went and rest:
                codes = {told.code for told in rest} | {endings[key].code for key in went}
                assert codes - {"", staying.TOGETHER}, (
                    f"{went} went, and nothing says why not {rest}"
                )
                assert not case.calm, f"{went} went without {rest}"
                self.met["torn"] += 1
