"""A vault of dictionaries: the Vault, Commit and Snapshot ports with the promised semantics.

What ``Commit.add`` returned survives a crash (it lies in the vault by its segment's id); what was
not handed to ``finish`` stays invisible.
"""

import hashlib
import io
import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO

import pyarrow as pa

from unlost.model.certificate import Certificate
from unlost.model.erasure import Erasure, ErasureTold, ErasureWish
from unlost.model.errors import Conflict, LimitReached, NotFound, UnlostError, UsageError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.org import OrgIdentity
from unlost.model.plan import RecordKey
from unlost.model.ports import Clock, IncomingFile
from unlost.model.reading import Rows
from unlost.model.rectification import Rectification, RectifyWish
from unlost.model.rekeying import Rekeyed, UnderEarlier
from unlost.model.retention import Forgetting, HeldThing, Hold, KeepRules
from unlost.model.salvage import Salvage
from unlost.model.schema import ColumnTrait, Schema, Table
from unlost.model.snapshot import (
    Added,
    ChangeKind,
    CommitKind,
    Counts,
    Hit,
    Lineage,
    SegmentEntry,
    SnapshotInfo,
    StoredFile,
    TableCommit,
    TableState,
    VerifyLevel,
    VerifyPart,
    VerifyReport,
    Version,
    Visibility,
)
from unlost.model.upkeep import Compaction, Sweep
from unlost.testing import memory_erasure as erasing
from unlost.testing import memory_rectification as rectifying
from unlost.testing.memory_homes import MemoryHomes
from unlost.testing.memory_journal import LINEAGE, Journals, MemoryJournal
from unlost.testing.memory_retention import planned, take_away
from unlost.testing.memory_rows import Observed, carried, observed, supersedes
from unlost.testing.memory_salvage import Undamaged
from unlost.testing.memory_snapshot import Chain, MemorySnapshot, Night

SEARCHED = frozenset(
    {
        ColumnTrait.NAME,
        ColumnTrait.UNIQUE,
        ColumnTrait.EXTERNAL_ID,
        ColumnTrait.AUTO_NUMBER,
        ColumnTrait.EMAIL,
        ColumnTrait.PHONE,
    }
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Rows or columns that became hidden or visible."""

    visibility: Visibility
    records: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(slots=True)
class Piece:
    """What one ``Added`` stands for."""

    table: str
    rows: list[Observed] = field(default_factory=list)
    files: list[tuple[StoredFile, bytes]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    lineage: tuple[Lineage, ...] = ()


class MemoryVault(Undamaged):
    """A Vault in memory. ``pieces`` are durable, ``chains`` are what is committed."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.pieces: dict[str, Piece] = {}
        self.chains: dict[str, Chain] = {}
        self.identities: dict[str, OrgIdentity] = {}
        self.touched: dict[str, set[tuple[str, str]]] = {}
        self.started: dict[str, datetime] = {}
        self.begun: dict[str, str] = {}
        self.certificates: dict[str, Certificate] = {}
        self.written: dict[str, Journals] = {}
        self.lock = threading.RLock()
        self.homes = MemoryHomes()
        self.erased_in: dict[str, list[erasing.Listed]] = {}
        self.caught: dict[str, set[erasing.Text]] = {}
        self._names = itertools.count(1)

    def adopt(self, identity: OrgIdentity) -> str:
        """The oid of this org."""
        for oid, known in self.identities.items():
            if known.same_org(identity):
                return oid
        oid = f"oid{len(self.identities) + 1}"
        self.identities[oid] = identity
        self.chains[oid] = Chain()
        self.written[oid] = Journals()
        return oid

    def orgs(self) -> Mapping[str, OrgIdentity]:
        """All orgs."""
        return dict(self.identities)

    def begin(
        self, org: str, *, run: str, kind: CommitKind, identity: OrgIdentity
    ) -> "MemoryCommit":
        """Open or re-open a run's commit."""
        if not self.identities[org].same_org(identity):
            raise UsageError("other-org", "This vault chain belongs to another org.")
        self.started.setdefault(run, self.clock.now())
        self.begun[run] = org
        self.touched.setdefault(run, set())
        return MemoryCommit(self, org, run, kind)

    def head(self, org: str) -> MemorySnapshot | None:
        """The newest night."""
        nights = [n for n in self.chains[org].nights if n.info.kind is CommitKind.BACKUP]
        return MemorySnapshot(self.chains[org], nights[-1], self) if nights else None

    def snapshots(self, org: str) -> Sequence[SnapshotInfo]:
        """All backups, oldest first."""
        chain = self.chains[org]
        shown = [n.info for n in chain.nights if n.info.kind is CommitKind.BACKUP]
        return [info for info in shown if info.number not in chain.forgotten]

    def commits(self, org: str) -> Sequence[SnapshotInfo]:
        """All that took a number, oldest first."""
        return [n.info for n in self.chains[org].nights]

    def at(self, org: str, number: int) -> MemorySnapshot:
        """The snapshot of this number."""
        if number in self.chains[org].forgotten:
            raise NotFound("snapshot-forgotten", f"Backup {number} was forgotten.")
        return self.as_of(org, number)

    def as_of(self, org: str, number: int) -> MemorySnapshot:
        """The same, also of one that was forgotten: what it showed is still there."""
        chain = self.chains[org]
        if not 1 <= number <= len(chain.nights):
            raise NotFound("snapshot-unknown", f"There is no snapshot {number}.")
        return MemorySnapshot(chain, chain.nights[number - 1], self)

    def history(self, org: str, table: str, record: str) -> Sequence[Version]:
        """All versions, oldest first."""
        chain = self.chains[org]
        return [
            Version(
                table,
                record,
                seen.snap,
                seen.op,
                seen.observed_at,
                seen.modified_at,
                seen.modified_by,
                dict(seen.cells or {}),
            )
            for seen in chain.rows.get(table, {}).get(record, [])
        ]

    def changes(self, org: str, table: str, *, after: int, until: int) -> Iterator[pa.Table]:
        """Ids that differ between two snapshots."""
        found = []
        for number in (after, until):
            if number:
                self.at(org, number)
        for key in sorted(self.chains[org].rows.get(table, {})):
            old = self.chains[org].newest(table, key, after)
            new = self.chains[org].newest(table, key, until)
            kind = _change(old, new)
            if kind is not None:
                found.append((key, kind.value))
        for at in range(0, len(found), 100):
            ids, kinds = zip(*found[at : at + 100], strict=True)
            yield pa.table({"_u_id": list(ids), "change": list(kinds)})

    def search(self, org: str, text: str, *, limit: int = 20) -> Sequence[Hit]:
        """Records of whose searched cells a word begins with the text."""
        wanted = text.casefold().strip()
        chain = self.chains[org]
        schema = chain.nights[-1].schema if chain.nights else None
        hits = []
        for table, records in sorted(chain.rows.items()):
            found = schema.table(table) if schema else None
            for key, seen in sorted(records.items()):
                column = _matched(found, key, seen, wanted)
                if column is not None:
                    hits.append(Hit(org, table, key, column, alive=seen[-1].op.alive))
        return hits[:limit]

    def open_file(self, org: str, blob: str) -> AbstractContextManager[BinaryIO]:
        """A stored file's bytes."""
        try:
            return closing(io.BytesIO(self.chains[org].blobs[blob]))
        except KeyError:
            raise NotFound("file-unknown", "The vault has no such file.") from None

    def read_files(self, org: str, blobs: Collection[str]) -> Mapping[str, bytes]:
        """The bytes of small files."""
        found = {}
        for blob in blobs:
            with self.open_file(org, blob) as body:
                found[blob] = body.read()
        return found

    def journal(self, org: str, run: str) -> MemoryJournal:
        """The journal of a run."""
        return self.written[org].open(run)

    def journals(self, org: str, *, unfinished: bool = False) -> Sequence[str]:
        """Runs that have a journal."""
        return self.written[org].runs(unfinished=unfinished)

    def lineage(
        self,
        org: str,
        *,
        table: str | None = None,
        records: Sequence[str] = (),
        lives: Sequence[str] = (),
    ) -> Sequence[Lineage]:
        """Which live records stand for records of this org."""
        told = self.written[org].lineage(org, table=table, records=records)
        return [row for row in told if not lives or row.live in lives]

    def compact(
        self,
        org: str,  # noqa: ARG002 (see the port)
        *,
        run: str,  # noqa: ARG002
        pause: Callable[[], None] = lambda: None,
    ) -> Compaction:
        """A dictionary is as small as it gets."""
        pause()
        return Compaction()

    def sweep(self, org: str, *, run: str) -> Sweep:  # noqa: ARG002 (see the port)
        """Nothing is left over."""
        return Sweep()

    def holds(self, org: str) -> tuple[Hold, ...]:
        """All holds that were not lifted."""
        return tuple(self.chains[org].holds.values())

    def hold(self, org: str, holds: tuple[Hold, ...], *, run: str) -> SnapshotInfo:
        """Set holds."""
        info = self._commit(org, run, CommitKind.HOLD)
        self.chains[org].holds |= {one.thing: replace(one, since=info.number) for one in holds}
        return info

    def lift(self, org: str, things: tuple[HeldThing, ...], *, run: str) -> SnapshotInfo:
        """Take holds back."""
        for thing in things:
            self.chains[org].holds.pop(thing, None)
        return self._commit(org, run, CommitKind.HOLD)

    def plan_forgetting(
        self, org: str, rules: KeepRules, *, pause: Callable[[], None] = lambda: None
    ) -> Forgetting:
        """What would go."""
        pause()
        return planned(
            self.chains[org],
            rules,
            zone=self.identities[org].zone,
            now=self.clock.now(),
            proof=lambda info: self.certificates.get(info.certificate or ""),
        )

    def forget(
        self,
        org: str,
        rules: KeepRules,
        *,
        run: str,
        pause: Callable[[], None] = lambda: None,
        agree: Callable[[Forgetting], None] = lambda _: None,
    ) -> Forgetting:
        """Take it away."""
        self._check_alone(org)
        plan = self.plan_forgetting(org, rules, pause=pause)
        agree(plan)
        if plan.nothing:
            return plan
        take_away(self.chains[org], plan, rules, now=self.clock.now())
        return replace(plan, snapshot=self._commit(org, run, CommitKind.FORGET).number)

    def plan_erasure(
        self, org: str, wish: ErasureWish, *, pause: Callable[[], None] = lambda: None
    ) -> Erasure:
        """What would go."""
        pause()
        return erasing.planned(
            self.chains[org], wish, org=org, lineage=self.lineage(org), now=self.clock.now()
        )

    def erase(
        self,
        org: str,
        wish: ErasureWish,
        *,
        run: str,
        pause: Callable[[], None] = lambda: None,
        agree: Callable[[Erasure], object] = lambda _: None,
    ) -> Erasure:
        """Take it away, and keep it out."""
        self._check_alone(org)
        plan, chain = self.plan_erasure(org, wish, pause=pause), self.chains[org]
        agree(plan)
        known = {one for listed in self.erased_in.get(org, ()) for one in listed.texts}
        texts = erasing.texts_of(chain, wish, plan.records) - known
        if not (plan.tables or texts):
            return plan
        erasing.take_away(chain, plan)
        number, now = self._commit(org, run, CommitKind.ERASE).number, self.clock.now()
        told = erasing.proved(plan, wish, texts, run=run, at=now, number=number)
        self.erased_in.setdefault(org, []).append(erasing.Listed(told, texts))
        return replace(plan, snapshot=number)

    def plan_rectification(
        self, org: str, wish: RectifyWish, *, pause: Callable[[], None] = lambda: None
    ) -> Rectification:
        """What would be replaced."""
        pause()
        return rectifying.planned(
            self.chains[org], wish, org=org, lineage=self.lineage(org), now=self.clock.now()
        )

    def rectify(
        self,
        org: str,
        wish: RectifyWish,
        *,
        run: str,
        pause: Callable[[], None] = lambda: None,
        agree: Callable[[Rectification], object] = lambda _: None,
    ) -> Rectification:
        """Replace it."""
        plan = self.plan_rectification(org, wish, pause=pause)
        self._check_alone(org)
        agree(plan)
        if not plan.columns:
            return plan
        rectifying.replace_values(self.chains[org], wish, plan.records)
        number, now = self._commit(org, run, CommitKind.RECTIFY).number, self.clock.now()
        told = rectifying.proved(plan, wish, run=run, at=now, number=number)
        self.erased_in.setdefault(org, []).append(erasing.Listed(told, frozenset()))
        return replace(plan, snapshot=number)

    def salvage(
        self,
        org: str,
        *,
        run: str,  # noqa: ARG002 (the port's)
        pause: Callable[[], None] = lambda: None,
        agree: Callable[[Salvage], object] = lambda _: None,
    ) -> Salvage:
        """Nothing is damaged."""
        plan = self.plan_salvage(org, pause=pause)
        self._check_alone(org)
        agree(plan)
        return plan

    def under_earlier_keys(self, org: str) -> UnderEarlier:  # noqa: ARG002 (there are no keys)
        """Nothing: it has no keys."""
        return UnderEarlier()

    def rekey(
        self,
        org: str,  # noqa: ARG002 (the port's)
        *,
        run: str,  # noqa: ARG002 (the port's)
        most: int | None = None,  # noqa: ARG002 (the port's)
        pause: Callable[[], None] = lambda: None,
    ) -> Rekeyed:
        """Nothing is due."""
        pause()
        return Rekeyed()

    def erased(self, org: str, records: Collection[RecordKey]) -> frozenset[RecordKey]:
        """Those that are on the list."""
        listed = {one for every in self.erased_in.get(org, ()) for one in every.texts}
        return frozenset(key for key in records if (key.table, "", key.record) in listed)

    def erasures(self, org: str) -> tuple[ErasureTold, ...]:
        """What was erased."""
        return tuple(one.told for one in self.erased_in.get(org, ()))

    def _check_alone(self, org: str) -> None:
        ended = {night.info.run for night in self.chains[org].nights}
        for other in (one for one, oid in self.begun.items() if oid == org and one not in ended):
            raise Conflict("runs-open", f"The run {other} is open.")

    def _commit(self, org: str, run: str, kind: CommitKind) -> SnapshotInfo:
        commit = self.begin(org, run=run, kind=kind, identity=self.identities[org])
        return commit.finish([], as_of=self.clock.now())

    def size(self, org: str) -> int:
        """What all commits added."""
        return sum(night.info.bytes_added for night in self.chains[org].nights)

    def verify(self, level: VerifyLevel, *, part: VerifyPart | None = None) -> VerifyReport:  # noqa: ARG002
        """Memory does not rot."""
        heads = {o: c.nights[-1].info.head for o, c in self.chains.items() if c.nights}
        return VerifyReport(level, len(self.pieces), 0, heads, ())

    def format(self) -> int:
        """Always the newest: nothing is written down."""
        return 1

    def keep(self, piece: Piece) -> SegmentEntry:
        """Make a piece durable."""
        with self.lock:
            name = f"seg{next(self._names)}"
            self.pieces[name] = piece
        ids = sorted(row.id for row in piece.rows) or [""]
        return SegmentEntry(name, piece.table, len(piece.rows), 0, name, ids[0], ids[-1], 1)


class MemoryCommit:
    """An open commit of one run."""

    def __init__(self, vault: MemoryVault, org: str, run: str, kind: CommitKind) -> None:
        self.vault, self.org, self.run, self.kind = vault, org, run, kind
        self.chain = vault.chains[org]
        self.number = len(self.chain.nights) + 1
        self._schema = self.chain.nights[-1].schema if self.chain.nights else Schema((), "")
        self._put = False

    def put_schema(self, schema: Schema) -> str:
        """The schema of what follows."""
        self._schema, self._put = schema, True
        return hashlib.sha256(repr(schema).encode()).hexdigest()

    def add(self, table: str, rows: Iterable[Rows], *, carry: Sequence[str] = ()) -> Added:
        """Keep what differs from the last snapshot, and all that this run saw before."""
        shape = self._table(table)
        piece, counts = Piece(table), Counts()
        for batch in rows:
            for new in observed(self.admitted(table, batch), shape):
                old = self.chain.newest(table, new.id, self.number)
                row = carried(new, old, tuple(carry), shape)
                counts += _count(row, old)
                if supersedes(row, old) or (table, row.id) in self.vault.touched[self.run]:
                    piece.rows.append(row)
        with self.vault.lock:
            self.vault.touched[self.run] |= {(table, row.id) for row in piece.rows}
        segments = (self.vault.keep(piece),) if piece.rows else ()
        return Added(table, segments, counts=counts)

    def add_few(self, table: str, rows: Iterable[Rows], *, carry: Sequence[str] = ()) -> Added:
        """The same: nothing waits in memory."""
        return self.add(table, rows, carry=carry)

    def recall(self, added: Iterable[Added]) -> None:
        """Nothing was held."""

    def admitted(self, table: str, rows: Rows) -> Rows:
        """Without what was erased."""
        caught = self.vault.caught.setdefault(self.org, set())
        return erasing.admitted(self.vault.erased_in.get(self.org, ()), caught, table, rows)

    def admitted_ids(self, table: str, ids: pa.Array) -> pa.Array:
        """Without those that were erased."""
        listed = self.vault.erased_in.get(self.org, ())
        out = {one for every in listed for one in every.texts}
        out |= self.vault.caught.get(self.org, set())
        kept = [(table, "", key) not in out for key in ids.to_pylist()]
        return ids.filter(pa.array(kept, pa.bool_()))

    def add_files(self, files: Iterable[IncomingFile]) -> Added:
        """Keep the bytes of files; one that cannot be read becomes a finding."""
        piece, findings = Piece(""), []
        for file in files:
            piece.table = file.ref.table
            if not len(self.admitted_ids(file.ref.table, pa.array([file.ref.record]))):
                continue
            try:
                with file.open() as stream:
                    body = stream.read()
            except LimitReached:
                raise
            except UnlostError as error:
                findings.append(_unread(file, error))
                continue
            blob = hashlib.sha256(body).hexdigest()
            ref = file.ref
            stored = StoredFile(
                blob, ref.table, ref.record, ref.column, len(body), ref.checksum, ref.name
            )
            piece.files.append((stored, body))
        return Added(
            piece.table,
            (self.vault.keep(piece),),
            files=len(piece.files),
            file_bytes=sum(len(body) for _, body in piece.files),
            findings=tuple(findings),
        )

    def mark(
        self,
        table: str,
        *,
        visibility: Visibility,
        records: Sequence[str] = (),
        columns: Sequence[str] = (),
    ) -> Added:
        """Note what became hidden or visible."""
        mark = Mark(visibility, tuple(records), tuple(columns))
        return Added(table, (self.vault.keep(Piece(table, marks=[mark])),))

    def lineage(self, rows: Sequence[Lineage]) -> Added:
        """Say which live record stands for which."""
        for row in rows:
            if row.target not in self.vault.identities:
                raise NotFound("org-unknown", f"The vault has no org {row.target}.")
        return Added(LINEAGE, (self.vault.keep(Piece(LINEAGE, lineage=tuple(rows))),))

    def counts(self, table: str, added: Sequence[Added]) -> Counts:
        """What these pieces do to a table, each record once."""
        counts = Counts(seen=sum(piece.counts.seen for piece in added))
        for key, row in self._last(added).items():
            counts += replace(_count(row, self.chain.newest(table, key, self.number)), seen=0)
        return counts

    def put_certificate(self, certificate: Certificate) -> None:
        """Keep the run's certificate."""
        self.vault.certificates[self.run] = certificate

    def finish(
        self, tables: Sequence[TableCommit], *, as_of: datetime, partial: bool = False
    ) -> SnapshotInfo:
        """Commit all in one step, or say what was committed before."""
        done = next((n for n in self.chain.nights if n.info.run == self.run), None)
        if done is not None:
            return done.info
        number = len(self.chain.nights) + 1
        states = dict(self.chain.nights[-1].states) if self.chain.nights else {}
        counts = Counts()
        for table in tables:
            self._apply_lineage(table, number)
            if table.table == LINEAGE:
                continue
            own = self._apply(table, number)
            counts += own
            states[table.table] = self._state(table, number, states.get(table.table))
        info = SnapshotInfo(
            self.org,
            number,
            hashlib.sha256(f"{self.org}/{number}".encode()).hexdigest(),
            self.run,
            self.kind,
            as_of,
            self.vault.started[self.run],
            self.vault.clock.now(),
            counts.seen,
            counts,
            certificate=self.run if self.run in self.vault.certificates else None,
            only=tuple(sorted({table.table for table in tables})) if partial else (),
        )
        if not self._put and self.chain.nights:
            self._schema = self.chain.nights[-1].schema
        self.chain.nights.append(Night(info, self._schema, states))
        self.vault.written[self.org].end(self.run)
        return info

    def abandon(self) -> None:
        """Forget what this run touched."""
        self.vault.touched.pop(self.run, None)
        self.vault.started.pop(self.run, None)
        self.vault.begun.pop(self.run, None)

    def _table(self, name: str) -> Table:
        found = self._schema.table(name)
        if found is None:
            raise UsageError("table-unknown", f"The schema of this commit has no table {name}.")
        return found

    def _apply(self, commit: TableCommit, number: int) -> Counts:
        counts = self.counts(commit.table, commit.added)
        for piece in self._pieces(commit.added):
            self._apply_files(piece, number)
            for mark in piece.marks:
                self._apply_mark(commit.table, mark, number)
        records = self.chain.rows.setdefault(commit.table, {})
        for key, row in self._last(commit.added).items():
            if supersedes(row, self.chain.newest(commit.table, key, number)):
                records.setdefault(key, []).append(replace(row, snap=number))
        return counts

    def _pieces(self, added: Sequence[Added]) -> list[Piece]:
        return [self.vault.pieces[s.id] for one in added for s in one.segments]

    def _last(self, added: Sequence[Added]) -> dict[str, Observed]:
        """The row that counts of each record: the later wins."""
        return {row.id: row for piece in self._pieces(added) for row in piece.rows}

    def _apply_lineage(self, commit: TableCommit, number: int) -> None:
        for added in commit.added:
            for segment in added.segments:
                rows = self.vault.pieces[segment.id].lineage
                self.vault.written[self.org].commit(rows, number=number)

    def _apply_files(self, piece: Piece, number: int) -> None:
        for stored, body in piece.files:
            self.chain.blobs[stored.blob] = body
            self.chain.files.append((number, replace(stored, since=number)))

    def _apply_mark(self, table: str, mark: Mark, number: int) -> None:
        for kind, names in (("record", mark.records), ("column", mark.columns)):
            for name in names:
                self.chain.marks.append((number, table, kind, name, mark.visibility))

    def _state(self, commit: TableCommit, number: int, old: TableState | None) -> TableState:
        newest = [seen[-1] for seen in self.chain.rows.get(commit.table, {}).values()]
        read = commit.window_start is not None
        return TableState(
            commit.table,
            sum(row.op.alive for row in newest),
            sum(not row.op.alive for row in newest),
            commit.cursor,
            commit.window_start,
            commit.window_end,
            commit.census_at,
            number if read or old is None else old.read_at,
            commit.finding,
        )


def _count(new: Observed, old: Observed | None) -> Counts:
    if not supersedes(new, old):
        return Counts(seen=1, unchanged=1)
    if old is None:
        return Counts(seen=1, created=1, deleted=int(not new.op.alive))
    if not new.op.alive:
        return Counts(seen=1, deleted=int(old.op.alive), changed=int(not old.op.alive))
    return Counts(seen=1, changed=1) if old.op.alive else Counts(seen=1, revived=1)


def _change(old: Observed | None, new: Observed | None) -> ChangeKind | None:
    if new is None or (old is not None and old.snap == new.snap):
        return None
    before, after = old is not None and old.op.alive, new.op.alive
    if before and after:
        return ChangeKind.CHANGED
    if after:
        return ChangeKind.CREATED if old is None else ChangeKind.REVIVED
    return ChangeKind.DELETED if before or old is None else None


def _matched(table: Table | None, key: str, seen: list[Observed], wanted: str) -> str | None:
    if key.casefold() == wanted:
        return table.id_column if table else "Id"
    for column in table.columns if table else ():
        if column.traits & SEARCHED:
            for row in seen:
                words = ((row.cells or {}).get(column.name) or "").casefold()
                if any(word.startswith(wanted) for word in (words, *words.split())):
                    return column.name
    return None


def _unread(file: IncomingFile, error: UnlostError) -> Finding:
    return Finding(
        FindingKind.FILE_UNREADABLE,
        Severity.GAP,
        f"The file {file.ref.name or file.ref.record} could not be read: {error.sentence}",
        error.next_step,
        file.ref.table,
        file.ref.column,
        file.ref.record,
    )
