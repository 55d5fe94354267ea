"""Erasing records of an org: one commit takes them out of all history, then the old bytes are removed.

Whatever is written before the commit is new, and of no use without it; what the commit made needless is
named by it. So an erasure that is cut off has either changed nothing, or is finished by whoever looks
after the vault next.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from blake3 import blake3

from unlost.model.erasure import Erasure, ErasureProof, ErasureTold, ErasureWish
from unlost.model.errors import Conflict, UnlostError, UsageError
from unlost.model.snapshot import CommitKind, SegmentEntry
from unlost.vault import places
from unlost.vault.erase.chosen import (
    check_match,
)
from unlost.vault.erase.found import Found, find, leaving_changes, leaving_words
from unlost.vault.erase.hits import (
    Pause,
    erased_at,
    rewritten,
    sifted,
)
from unlost.vault.erase.marks import write_marks
from unlost.vault.erase.redact import (
    manifest_without,
    put_certificate,
    put_redaction,
)
from unlost.vault.erase.removal import erasures_in, is_complete, remove_erased
from unlost.vault.files import FILES_TABLE
from unlost.vault.finish import committed
from unlost.vault.format.manifest import ObjectEntry, TablePart
from unlost.vault.format.physical import CHANGES, SEARCH, SUPPRESSED
from unlost.vault.garbage import collected_up_to, listing_of
from unlost.vault.maintenance import Maintenance, Work, close_cut_off, open_runs
from unlost.vault.retain.repack import Repacked, repack
from unlost.vault.rewritten import Rewritten
from unlost.vault.room import OrgRoom
from unlost.vault.segmentwriter import SegmentWriter
from unlost.vault.state import LiveState, live_objects
from unlost.vault.suppressed import marks_in

type Agree = Callable[[Erasure], object]

_OWN = (CommitKind.ERASE, CommitKind.COMPACT, CommitKind.FORGET)


@dataclass(frozen=True, slots=True)
class Written:
    """All that was written for the commit."""

    replaced: tuple[Rewritten, ...]
    repacked: Repacked
    marks: tuple[SegmentEntry, ...]
    objects: tuple[ObjectEntry, ...]
    recertified: Mapping[str, str]
    withdrawn: tuple[str, ...]


def plan_erasure(room: OrgRoom, wish: ErasureWish, *, pause: Pause) -> Erasure:
    """What ``erase`` would take away now."""
    state = room.chain.proved()
    _check_wish(room, state, wish)
    return find(room, state, wish, run="", pause=pause).told


def erase(room: OrgRoom, wish: ErasureWish, *, run: str, pause: Pause, agree: Agree) -> Erasure:
    """Take records out of all history; see the port ``Erasing``."""
    state = room.chain.proved()
    _check_wish(room, state, wish)
    for kind in _OWN:
        close_cut_off(room, kind)
    _check_alone(room, state, run="")
    before = remove_erased(room, state)
    work = Maintenance(room, run=run, kind=CommitKind.ERASE)
    work.open()
    try:
        done = _Erasing(room, work, wish, run, pause).commit(agree)
    except Exception:
        work.give_up()
        raise
    state = room.chain.proved()
    if done.snapshot is not None:
        room.chain.renew_checkpoint()
    return replace(done, removed=before + remove_erased(room, state))


def erasures(room: OrgRoom) -> tuple[ErasureTold, ...]:
    """The proofs of an org, oldest first."""
    state = room.chain.live()
    made = erasures_in(room, state) if state.seq else []
    if not made:
        return ()
    by_run: dict[str, list[str]] = {}
    for mark in marks_in(room.view(SUPPRESSED, until=state.seq, state=state)):
        by_run.setdefault(mark.run, []).append(mark.pseudonym)
    complete = is_complete(room, state)
    return tuple(
        ErasureTold(one.erased, one.seq, tuple(sorted(by_run.get(one.run, ()))), complete)
        for one in made
        if one.erased is not None
    )


def _check_wish(room: OrgRoom, state: LiveState, wish: ErasureWish) -> None:
    if not wish.records:
        raise UsageError(
            "erase-nothing",
            "No record was named that is to be erased.",
            next_step="Name at least one: --record TABLE/ID.",
        )
    if not state.seq:
        raise UsageError(
            "erase-empty",
            "Nothing of this org is in the vault yet.",
            next_step="Run a backup first: then the vault knows the org's tables.",
        )
    check_match(room, state, wish.match)


def _check_alone(room: OrgRoom, state: LiveState, *, run: str) -> None:
    """Raise Conflict while another run is open: what it reads or writes may be what is to go."""
    others = [one for one in open_runs(room) if one.run != run and not committed(state, one.run)]
    if others:
        raise Conflict(
            "runs-open",
            f"The run {others[0].run} is open, and may hold what is to be erased.",
            next_step="Wait until it has ended, or end it, and try again.",
        )


class _Erasing:
    """One erasure, from the look to its commit."""

    def __init__(
        self, room: OrgRoom, work: Maintenance, wish: ErasureWish, run: str, pause: Pause
    ) -> None:
        self._room = room
        self._work = work
        self._wish = wish
        self._run = run
        self._pause = pause
        self._out = SegmentWriter(room.org, sealed=room.sealed, prefix=work.prefix)

    @property
    def _state(self) -> LiveState:
        return self._work.base

    def commit(self, agree: Agree) -> Erasure:
        """Look, ask, write, and commit; what was written is removed where that fails."""
        found = find(self._room, self._state, self._wish, run=self._run, pause=self._pause)
        agree(found.told)
        if found.nothing:
            self._work.give_up()
            return found.told
        listing = self._listing()  # before the runs are looked at: what is in it is nobody's
        made: list[str] = []
        try:
            written = self._write(found, made)
            info = self._committed(found, written, listing)
        except Exception:
            self._drop(made)
            raise
        return replace(found.told, snapshot=info)

    def _listing(self) -> dict[str, int]:
        """What may be garbage: also certificates that runs put and then made another one."""
        folder = places.certificates(self._room.org)
        certificates = self._room.sealed.store.list(folder)
        return listing_of(self._room) | {one.name: one.size for one in certificates}

    def _write(self, found: Found, made: list[str]) -> Written:
        repacked = repack(self._room, found.contents.freed.moving)
        made += [places.pack(self._room.org, entry.id) for entry in repacked.entries]
        replaced = [
            one
            for each in found.hits
            for one in rewritten(
                self._room,
                self._out,
                each,
                pause=self._pause,
                repacked=repacked if each.view.table == FILES_TABLE else None,
            )
        ]
        replaced += self._sifted(found, replaced)
        marks = write_marks(self._room, self._state, self._out, found.marks)
        certificates = {
            name: put_certificate(self._room, name, left) for name, left in found.certificates
        }
        made += [entry.name for entry in certificates.values()]
        names = {name: entry.name for name, entry in certificates.items()}
        redactions = self._redactions(found, replaced, names, made)
        withdrawn = (*names, *self._replaced_redactions(redactions))
        objects = (*certificates.values(), *redactions)
        return Written(tuple(replaced), repacked, marks, objects, names, withdrawn)

    def _sifted(self, found: Found, replaced: Sequence[Rewritten]) -> Iterable[Rewritten]:
        """``$search`` and ``$changes`` without what they tell of the records."""
        first = {table: self._first(table, replaced) for table in found.chosen.ids}
        for table, leave in (
            (SEARCH, leaving_words(found.chosen)),
            (CHANGES, leaving_changes(found.chosen, first)),
        ):
            for live in self._state.of(table, until=self._state.seq):
                one = sifted(self._room, self._out, live, leave, pause=self._pause)
                if one is not None:
                    yield one

    def _first(self, table: str, replaced: Sequence[Rewritten]) -> int:
        """The first commit of which a table has something afterwards."""
        gone = {entry.id for one in replaced for entry in one.old}
        held = self._state.of(table, until=self._state.seq)
        firsts = [live.first for live in held if live.entry.id not in gone]
        new = (entry for one in replaced for entry in one.new if entry.table == table)
        return min([*firsts, *(entry.first for entry in new)], default=0)

    def _redactions(
        self, found: Found, replaced: Sequence[Rewritten], names: Mapping[str, str], made: list[str]
    ) -> list[ObjectEntry]:
        """What stands in place of manifests that tell too much."""
        gone = {entry.id for one in replaced for entry in one.old}
        held = self._state.segments.values()
        live = {ident for own in held for ident in own if ident not in gone}
        entries, naming = [], found.naming
        for seq in sorted(self._state.commits):
            self._pause()
            manifest, head = self._room.chain.manifest(seq)
            left = manifest_without(
                manifest,
                live=live,
                names=names,
                naming=naming,
                erased=erased_at(found.versions, seq),
            )
            if left != manifest:
                entry = put_redaction(self._room, left, head=head, by=self._state.seq + 1)
                made.append(entry.name)
                entries.append(entry)
        return entries

    def _replaced_redactions(self, fresh: Sequence[ObjectEntry]) -> list[str]:
        """Redactions that others stand in place of now."""
        seqs = {places.redacted(entry.name) for entry in fresh}
        folder = places.redactions(self._room.org)
        own = [name for name in self._state.objects if name.startswith(folder)]
        return [name for name in own if places.redacted(name) in seqs]

    def _committed(self, found: Found, written: Written, listing: Mapping[str, int]) -> int:
        room, state, told = self._room, self._state, found.told
        _check_alone(room, room.chain.proved(), run=self._run)
        parts = [one.part for one in written.replaced]
        parts.append(TablePart(table=SUPPRESSED, segments=written.marks))
        return self._work.commit(
            Work(
                parts=_by_table(parts),
                packs=written.repacked.entries,
                condemned=tuple(sorted(self._condemned(found, written, listing))),
                collected=collected_up_to(room, state),
                dropped=found.contents.freed.packs,
                tombstones={one.table: one.records - one.alive for one in told.tables},
                alive={one.table: one.alive for one in told.tables},
                objects=written.objects,
                withdrawn=written.withdrawn,
                unjournaled=found.journals,
                recertified=written.recertified,
                erased=self._proof(found),
            ),
            alone=True,
        ).number

    def _condemned(self, found: Found, written: Written, listing: Mapping[str, int]) -> set[str]:
        """Segments and packs that nobody needs: replaced now, or earlier, or left by runs that ended."""
        org = self._room.org
        ids = {entry.id for one in written.replaced for entry in (*one.old, *one.between)}
        names = {places.segment(org, ident) for ident in ids}
        names |= {places.sidecar(org, ident) for ident in ids}
        names |= {places.pack(org, pack) for pack in found.contents.freed.packs}
        live = {entry.name for entry in live_objects(self._state, org=org)}
        return names | (listing.keys() - live)

    def _proof(self, found: Found) -> ErasureProof:
        pseudonyms = sorted({mark.pseudonym for mark in found.marks})
        return ErasureProof(
            run=self._run,
            at=self._room.clock.now(),
            by=self._wish.by,
            tables=found.told.tables,
            files=found.told.files,
            journals=len(found.journals),
            listed=len(pseudonyms),
            marks=blake3("\n".join(pseudonyms).encode()).hexdigest(),
        )

    def _drop(self, made: Sequence[str]) -> None:
        """After a failure: remove what was written, unless it was committed or may be still."""
        with suppress(UnlostError):
            if self._work.came_to_nothing():
                for name in made:
                    self._room.sealed.store.delete(name)


def _by_table(parts: Sequence[TablePart]) -> tuple[TablePart, ...]:
    """One part for each table."""
    merged: dict[str, TablePart] = {}
    for part in parts:
        before = merged.get(part.table, TablePart(table=part.table))
        merged[part.table] = TablePart(
            table=part.table,
            segments=(*before.segments, *part.segments),
            removed=(*before.removed, *part.removed),
        )
    return tuple(merged[name] for name in sorted(merged))
