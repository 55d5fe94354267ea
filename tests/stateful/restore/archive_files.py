"""Files that several records share, and what must be true of them while they leave an org.

    Document ◀── Edition (its versions)      Document ──▶ Member (its owner)
             ◀── Link ──▶ Firm, Person, Deal, Member, Shelf (a library)
             ◀── Share (a public link)       Note whose Code is the id of a document shows it

People never move an edition or a link, and delete an edition only with its document, as in Salesforce.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from stateful.restore.archive_ledger import Gone, Ledger
from stateful.restore.town import (
    COUNT,
    GRAPH,
    LATEST,
    LINK_TO,
    LINKS,
    REQUIRED_BY_FILES,
    Cells,
    Town,
)
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.running.session import RestorePorts
from unlost.engine.restore.values.outcome import Ending, RestoreOutcome
from unlost.model.archive import Comparison, Condition
from unlost.model.archive_facts import ArchiveFacts, ProtectedRecords
from unlost.model.plan import RecordKey, RestorePlan
from unlost.model.source.schema import WireKind
from unlost.model.source.shared_files import (
    CopiedVersions,
    FileMentions,
    FileRelease,
    KeepingColumn,
    SharedFile,
)
from unlost.model.source.writing import Birth, ByProduct, MatchKey, WriteOp
from unlost.model.storage import FileVersionRule
from unlost.model.vault.lineage import resolve

FIRM, DOCUMENT, EDITION, LINK, SHARE, NOTE = (
    "Firm",
    "Document",
    "Edition",
    "Link",
    "Share",
    "Note",
)
NEVER_MOVED = {EDITION, LINK, SHARE}
UNDELETABLE = ("Member", "Shelf")
RECORDS, ACTIVE = "records", "active"
RELEASED = (FIRM, "Person")
KIND = SharedFile(
    DOCUMENT,
    LINK,
    "Document",
    "Holder",
    "Owner",
    kept_by=(KeepingColumn(SHARE, "Document"),),
    mentions=FileMentions(
        (KeepingColumn(NOTE, "Code"),), r"(?:Doc|Edi)\d+", 30, KeepingColumn(EDITION, "Document")
    ),
    releases=(FileRelease(RECORDS, RELEASED),),
    versions=CopiedVersions(FileVersionRule(EDITION, "Document", LATEST, "BodySize", "Name")),
)
IS_ACTIVE = "b"
FACTS = ArchiveFacts(
    (
        ProtectedRecords(
            ACTIVE, "Active deals", "Deal", (Condition("Name", Comparison.IS, (IS_ACTIVE,)),)
        ),
    )
)


@dataclass
class ArchiveTown(Town):
    """A town whose firms have columns for archives, and whose records (``shares``) share files."""

    shares: bool = True

    def __post_init__(self) -> None:
        self.graph = LINKS if self.shares else GRAPH
        super().__post_init__()
        self.org.add_column(FIRM, COUNT, WireKind.INTEGER)
        self.org.add_column(FIRM, LINK_TO, WireKind.TEXT)
        self._allow(FIRM, more=frozenset({COUNT, LINK_TO}))
        if self.shares:
            self._hold_files()

    @property
    def files(self) -> tuple[SharedFile, ...]:
        """The kinds of files that records share."""
        return (KIND,) if self.shares else ()

    def _hold_files(self) -> None:
        self.org.add_column(EDITION, LATEST, WireKind.TEXT)
        self._allow(EDITION, by_products=(ByProduct("Document", DOCUMENT, reuse=True),))
        documents = self.platform.capability(DOCUMENT)
        self._allow(DOCUMENT, birth=Birth.BY_PRODUCT, ops=documents.ops - {WriteOp.CREATE})
        self._allow(LINK, keys=(MatchKey(("Document", "Holder")),))
        for table in UNDELETABLE:
            usual = self.platform.capability(table)
            self._allow(table, ops=usual.ops - {WriteOp.DELETE, WriteOp.HARD_DELETE})
        self.platform.required |= REQUIRED_BY_FILES - {(EDITION, "Document")}
        platform: Any = self.platform
        self._create, platform.create = platform.create, self._create_newest

    def _allow(self, table: str, *, more: frozenset[str] = frozenset(), **changes: Any) -> None:
        usual = self.platform.capability(table)
        columns = usual.settable | more
        self.platform.allow(replace(usual, settable=columns, changeable=columns, **changes))

    def restoring(self, *, writer: Any = None, vault: Any = None) -> RestorePorts:
        return replace(super().restoring(writer=writer, vault=vault), shared=self.files)

    def counts(self) -> Counter[str]:
        """The numbers of archived records that live firms have."""
        firms = self.org.tables[FIRM].records.items()
        return Counter({key: int(f.cells.get(COUNT) or 0) for key, f in firms if not f.deleted})

    # --- people ------------------------------------------------------------------------------------

    def make(self, table: str, cells: Cells, *, body: bytes = b"") -> RecordKey | None:
        if table != EDITION:
            return super().make(table, cells, body=body)
        document = cells.get("Document")
        if document is None or RecordKey(DOCUMENT, document) not in self.picture():
            return None
        edition = self.org.attach(EDITION, str(cells.get("Name")), body)
        self.org.update(EDITION, edition, {"Document": document})
        self._renew(edition, by="U1")
        return RecordKey(EDITION, edition)

    def change(self, key: RecordKey, cells: Cells) -> bool:
        if key.table in NEVER_MOVED and cells.keys() & LINKS[key.table].keys():
            return False
        return super().change(key, cells)

    def delete(self, key: RecordKey) -> bool:
        if key.table != EDITION:
            return super().delete(key)
        document = self.picture()[key].value("Document")
        return document is not None and super().delete(RecordKey(DOCUMENT, document))

    # --- the org -----------------------------------------------------------------------------------

    def _create_newest(self, table: str, cells: Any, *, by: str) -> str:
        record = str(self._create(table, cells, by=by))
        if table == EDITION:
            self._renew(record, by=by)
        return record

    def _renew(self, edition: str, *, by: str) -> None:
        """The newest edition of a document says so, and no other one does."""
        records = self.org.tables[EDITION].records
        document = records[edition].cells["Document"]
        for key, record in list(records.items()):
            is_latest = record.cells.get(LATEST) == "true"
            if key != edition and is_latest and record.cells["Document"] == document:
                self.org.update(EDITION, key, {LATEST: "false"}, by=by)
        self.org.update(EDITION, edition, {LATEST: "true"}, by=by)


@dataclass
class FileJudge:
    """Judges what became of files. ``met`` counts what was judged."""

    town: Town
    ledger: Ledger
    met: Counter[str] = field(default_factory=Counter)

    def judge(self, plan: RestorePlan, outcome: RestoreOutcome, *, calm: bool) -> None:
        """No file left that a record needs; a freed one has a new one in its place."""
        policy, run = plan.selection.policy, run_of(plan)
        assert policy is not None
        released = set(KIND.released(policy.table, policy.include))
        deleted = self.ledger.deleted[run] - self.ledger.triggered - self.ledger.created[run]
        planned = {step.key for step in plan.steps}
        files = {key for key in deleted & planned if key.table == DOCUMENT}
        for key in files:
            if key in self.ledger.gone and self.ledger.is_ours(self.ledger.gone[key].by):
                self._is_needed_by_none(key, deleted, released)
        if policy.frees_versions:
            self._are_replaced(run, outcome, calm=calm)
        else:
            assert not self.ledger.created[run], "an archive creates nothing"

    def _is_needed_by_none(
        self, file: RecordKey, deleted: set[RecordKey], released: set[str]
    ) -> None:
        owner = self.ledger.gone[file].seen.value("Owner")
        for key, gone in self._of(file, LINK):
            holder = str(gone.seen.value("Holder"))
            tables = [t for t in LINKS[LINK]["Holder"].tables if self._is_of(t, holder)]
            keys = {RecordKey(table, holder) for table in tables}
            if key not in deleted or holder == owner:
                if holder == owner:
                    self.met["link of an owner"] += 1
                continue
            free = keys & deleted or released & set(tables)
            assert free, f"{file} left, and {holder} had it by {key}"
            self.met["file shared by those that left" if keys & deleted else "file released"] += 1
        shares = [key for key, gone in self._of(file, SHARE) if key in deleted]
        assert not shares, f"{file} left in spite of its public links {shares}"
        editions = {key.record for key, _ in self._of(file, EDITION)}
        notes = [
            key
            for key, seen in self.town.picture().items()
            if key.table == NOTE and seen.value("Code") in {file.record, *editions}
        ]
        assert not notes, f"{file} left, and {notes} show it"
        self.met["file left"] += 1

    def _of(self, file: RecordKey, table: str) -> Iterator[tuple[RecordKey, Gone]]:
        for key, gone in self.ledger.gone.items():
            if key.table == table and gone.seen.value("Document") == file.record:
                yield key, gone

    def _is_of(self, table: str, record: str) -> bool:
        key = RecordKey(table, record)
        return record in self.town.org.tables[table].records or key in self.ledger.gone

    # --- files whose old versions were freed -------------------------------------------------------

    def _are_replaced(self, run: str, outcome: RestoreOutcome, *, calm: bool) -> None:
        """One new file for each that left, with its newest version; none for others."""
        created = {key.record for key in self.ledger.created[run] if key.table == DOCUMENT}
        live = {key.record for key in self.town.picture() if key.table == DOCUMENT}
        ours = {
            key.record
            for key in self.ledger.deleted[run]
            if key.table == DOCUMENT and key.record in created and key not in self.ledger.triggered
        }
        named = {record.record for record in outcome.records if record.code}
        files = [
            r.key
            for r in outcome.records
            if r.ending is Ending.ARCHIVED and r.table == DOCUMENT and r.key in self.ledger.gone
        ]
        lives = {file: self._life(file) for file in files if file in self.ledger.deleted[run]}
        assert set(lives.values()) <= created, f"no new files for {lives}"
        assert len(set(lives.values())) == len(lives), f"one new file for two: {lives}"
        rest = created - ours - set(lives.values()) - named
        assert not (rest & live), f"new files {rest} stay beside the old ones"
        for file, new in lives.items():
            assert new not in ours, f"{file} left, and its new file {new} was deleted"
            if new in live:
                self._has_the_newest(file, new, run if calm else "")
                self.met["file replaced"] += 1
        if ours:
            self.met["new file discarded"] += 1

    def _life(self, file: RecordKey) -> str:
        rows = self.town.vault.lineage(self.town.oid, table=DOCUMENT, records=[file.record])
        return str(resolve(rows, org=self.town.oid, target=self.town.oid)[file])

    def _has_the_newest(self, file: RecordKey, new: str, calm_run: str) -> None:
        bodies = {gone.seen.body for key, gone in self._of(file, EDITION) if gone.latest}
        live = self.town.picture()
        fresh = {
            s.body for k, s in live.items() if k.table == EDITION and s.value("Document") == new
        }
        assert fresh >= bodies, f"{new} has {fresh}, and not the newest of {file}: {bodies}"
        if calm_run:
            links = self.ledger.deleted[calm_run]  # people may have removed others before
            before = Counter(
                gone.seen.value("Holder") for key, gone in self._of(file, LINK) if key in links
            )
            after = Counter(
                seen.value("Holder")
                for key, seen in live.items()
                if key.table == LINK and seen.value("Document") == new
            )
            assert after == before, f"{new} has the holders {after}, not {before}"
