"""A town of firms under nightly backups: tables with every kind of reference that a restore meets."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from unit.engine.scene import Scene
from unlost.engine.restore.planning.plan import PlanPorts, RelatedPolicy, plan_again, plan_restore
from unlost.engine.restore.running.session import RestorePorts
from unlost.engine.restore.values.edits import NO_EDITS, Edits
from unlost.model.plan import RecordKey, RestorePlan, Selection, TwinPolicy
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.source.writing import Identity
from unlost.model.vault.lineage import resolve
from unlost.testing.memory_writer import MemoryWriter
from unlost.testing.platform import Platform, RowRefused

TEXT, LINK = WireKind.TEXT, WireKind.REFERENCE
RULE = DeleteRule
GRAPH = {
    "Firm": {"Parent": Reference(("Firm",), RULE.SET_NULL)},
    "Person": {
        "Firm": Reference(("Firm",), RULE.CASCADE),
        "Boss": Reference(("Person",), RULE.SET_NULL),
    },
    "Deal": {"Firm": Reference(("Firm",), RULE.RESTRICT)},
    "Role": {
        "Person": Reference(("Person",), RULE.CASCADE),
        "Deal": Reference(("Deal",), RULE.CASCADE),
    },
    "Team": {"Lead": Reference(("Player",), RULE.SET_NULL)},
    "Player": {"Team": Reference(("Team",), RULE.SET_NULL)},
    "Note": {"About": Reference(("Firm", "Person", "Deal"), RULE.SET_NULL)},
    "Paper": {"Firm": Reference(("Firm",), RULE.SET_NULL)},
}
# Files that records share: only towns with archives have them.
FILE_GRAPH = {
    "Member": {},
    "Shelf": {},
    "Document": {"Owner": Reference(("Member",), RULE.SET_NULL)},
    "Edition": {"Document": Reference(("Document",), RULE.CASCADE)},
    "Link": {
        "Document": Reference(("Document",), RULE.CASCADE),
        "Holder": Reference(("Firm", "Person", "Deal", "Member", "Shelf"), RULE.CASCADE),
    },
    "Share": {"Document": Reference(("Document",), RULE.CASCADE)},
}
LINKS: dict[str, dict[str, Reference]] = {**GRAPH, **FILE_GRAPH}
REQUIRED = {("Person", "Firm"), ("Role", "Person"), ("Role", "Deal")}
REQUIRED_BY_FILES = {
    *(("Edition", "Document"), ("Share", "Document")),
    *(("Link", "Document"), ("Link", "Holder")),
}
UNIQUE = [("Firm", ("Code",)), ("Role", ("Person", "Deal"))]
TABLES = tuple(GRAPH)
WITH_BODIES = {"Paper", "Edition"}
PLAIN = ("Name", "Code")
COUNT, LINK_TO = "Archived", "Archive"  # in firms of a town with archives
LATEST = "Latest"  # in editions of its files
UNSET = frozenset({"Id", "Modified", "ModifiedBy", "Survivor", COUNT, LINK_TO, LATEST})

type Cells = dict[str, str | None]


@dataclass(frozen=True)
class Seen:
    """A record at some moment. ``body``: the bytes of its file."""

    cells: Cells
    body: bytes | None = None
    binned: bool = False

    def value(self, column: str) -> str | None:
        return self.cells.get(column)


type Picture = dict[RecordKey, Seen]


@dataclass
class Town(Scene):
    """``undeletable``: lost records come out of the bin with their ids. ``keeps``: they are created with
    their ids. ``leaves``: the org leaves the ids of deleted records in what refers to them.
    """

    graph = GRAPH
    undeletable: bool = True
    relinks: bool = True
    keeps: bool = False
    leaves: bool = False
    plans: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        for table, references in self.graph.items():
            columns = {**dict.fromkeys(PLAIN, TEXT), **dict.fromkeys(references, LINK)}
            merged = "Survivor" if table == "Firm" else None
            columns |= {merged: LINK} if merged else {}
            self.org.add_table(
                table,
                columns,
                files=table in WITH_BODIES,
                references=references,
                merged_into=merged,
            )
        self.platform = Platform(self.org)
        self.platform.relinks = self.relinks
        self.platform.keeps_ids = set(GRAPH) if self.keeps else set()
        self.platform.leaves_links = self.leaves
        self.platform.required |= REQUIRED
        self.platform.unique += UNIQUE
        for table in self.graph:
            usual = self.platform.capability(table)
            identity = Identity.UNDELETE if self.undeletable else usual.identity
            columns = usual.settable - UNSET
            self.platform.allow(
                replace(usual, identity=identity, settable=columns, changeable=columns)
            )
        self.writer: Any = MemoryWriter(self.platform)
        self.writer.retryable = {"LOCKED"}

    # --- people ------------------------------------------------------------------------------------

    def make(self, table: str, cells: Cells, *, body: bytes = b"") -> RecordKey | None:
        """A new record, if the platform takes it."""
        if table == "Paper":
            made = self.org.attach(table, str(cells.get("Name")), body)
            self.change(RecordKey(table, made), cells)
            return RecordKey(table, made)
        try:
            return RecordKey(table, self.platform.create(table, cells, by="U1"))
        except RowRefused:
            return None

    def change(self, key: RecordKey, cells: Cells) -> bool:
        try:
            self.platform.update(key.table, key.record, cells, by="U1")
        except RowRefused:
            return False
        return True

    def delete(self, key: RecordKey) -> bool:
        try:
            self.platform.delete(key.table, key.record, by="U2")
        except RowRefused:
            return False
        return True

    def merge(self, winner: RecordKey, loser: RecordKey, *, take_values: bool) -> bool:
        """Merge a firm into another; ``take_values``: with the name of the one that goes."""
        firms = self.org.tables[winner.table].records
        if firms[winner.record].cells.get("Parent") == loser.record:
            return False  # it would be below itself
        name = firms[loser.record].cells.get("Name")
        try:
            self.platform.merge(
                winner.table,
                winner.record,
                loser.record,
                by="U2",
                cells={"Name": name} if take_values else None,
            )
        except RowRefused:
            return False
        return True

    def undelete(self, key: RecordKey) -> bool:
        """Nobody can take out of the bin what a restore could not."""
        if not self.undeletable:
            return False
        try:
            self.platform.undelete(key.table, key.record, by="U2")
        except RowRefused:
            return False
        return True

    # --- looks -------------------------------------------------------------------------------------

    def picture(self, *, bin_too: bool = False) -> Picture:
        """All live records (``bin_too``: and those in the bin)."""
        return {
            RecordKey(name, record): Seen(
                {c: v for c, v in held.cells.items() if c not in UNSET},
                table.files.get(record),
                held.deleted,
            )
            for name, table in self.org.tables.items()
            for record, held in table.records.items()
            if bin_too or not held.deleted
        }

    def life_of(self, key: RecordKey) -> str:
        """The id as which a restore brought a record back, or its own."""
        rows = self.vault.lineage(self.oid, table=key.table, records=[key.record])
        return resolve(rows, org=self.oid, target=self.oid).get(key) or key.record

    # --- restores ----------------------------------------------------------------------------------

    def planned(
        self,
        selection: Selection,
        *,
        related: RelatedPolicy = RelatedPolicy.ALL,
        at: int | None = None,
        edits: Edits = NO_EDITS,
        twins: TwinPolicy = TwinPolicy.KEEP,
    ) -> RestorePlan:
        ports, name = self.planning(), self.next_plan()
        return plan_restore(
            self.oid,
            ports,
            selection,
            related=related,
            at=at,
            edits=edits,
            twins=twins,
            plan_id=name,
        )

    def planned_again(
        self,
        plan: RestorePlan,
        failed: Collection[RecordKey],
        *,
        unbinned: Collection[RecordKey],
        twins: TwinPolicy,
    ) -> RestorePlan:
        ports, name = self.planning(), self.next_plan()
        return plan_again(plan, failed, ports, plan_id=name, unbinned=unbinned, twins=twins)

    def next_plan(self) -> str:
        self.plans += 1
        return f"plan-{self.plans}"

    def planning(self) -> PlanPorts:
        return PlanPorts(
            source=self.source,
            writer=self.writer,
            vault=self.vault,
            clock=self.clock,
            observer=self.observer,
        )

    def restoring(self, *, writer: Any = None, vault: Any = None) -> RestorePorts:
        return RestorePorts(
            writer=writer or self.writer,
            vault=vault or self.vault,
            lease=self.lease,
            clock=self.clock,
            observer=self.observer,
        )


def references(key: RecordKey, seen: Seen) -> Iterator[tuple[str, tuple[RecordKey, ...]]]:
    """By column the records that it may mean, where it is not empty."""
    for column, reference in LINKS[key.table].items():
        value = seen.value(column)
        if value is not None:
            yield column, tuple(RecordKey(table, value) for table in reference.tables)
