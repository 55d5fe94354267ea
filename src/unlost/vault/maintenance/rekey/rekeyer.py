"""Rekey of an org: reseal all live objects under its newest key, then remove the earlier keys.

Objects are immutable, so that each resealed object stands beside the earlier one until a commit
names it. The work is done in steps, and each is a commit or has no effect:

    1  segments and packs            a commit for each ``PIECE_BYTES``
    2  schemas, certificates, manifests (as redactions)    ``DOCUMENTS`` of each in a commit
    3  journals and identity         no commit: put the new one, delete the earlier one
    4  nothing is left under an earlier key, also no garbage and no open run:
       commit under the newest key, search once more, delete the copies of the earlier keys

The commit of step 4 takes the number that a process with an earlier master key would need. That
process either committed before, which the second search finds, or it fails, as it cannot read the
commit. See docs/adr/0029.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import islice

from unlost.model.errors import IntegrityError, NotFound, UnlostError
from unlost.model.vault.rekeying import Rekeyed
from unlost.model.vault.snapshot import CommitKind, PackEntry
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import LiveSegment, LiveState
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.layout import object_names
from unlost.vault.maintenance.erase_cleanup import remove_erased
from unlost.vault.maintenance.garbage import collected_up_to
from unlost.vault.maintenance.maintenance_run import (
    MAINTENANCE,
    MaintenanceRun,
    MaintenanceWork,
    close_cut_off,
    drop_orphans,
)
from unlost.vault.maintenance.rekey.data import ResealedData, seal_pack, seal_segments, together
from unlost.vault.maintenance.rekey.documents import ResealedDocuments, seal_beside, seal_documents
from unlost.vault.maintenance.rekey.earlier_keys import (
    EarlierKeysSurvey,
    earlier_packs,
    earlier_segments,
    is_complete,
)
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.objects.segment_writer import SegmentWriter
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.open_runs import open_runs

DOCUMENTS = 256  # resealed in one commit, with as many manifests
_NO_DAMAGE = frozenset({"org-key-lost", "rekey-unread"})  # errors that all objects would have


def rekey(org_vault: OrgVault, *, run: str, most: int | None, pause: Pause) -> Rekeyed:
    """Continue until everything, or ``most`` bytes, are done; see the port ``VaultMaintenance``."""
    state = org_vault.chain.proved()
    if is_complete(org_vault.sealed.keys, org_vault.org):
        return Rekeyed()
    close_cut_off(org_vault, CommitKind.REKEY)
    _close_earlier(org_vault)
    drop_orphans(org_vault)
    remove_erased(org_vault, state)
    rekeying = _Rekeying(org_vault, run=run, pause=pause)
    done = Rekeyed()
    while most is None or done.bytes < most:
        step = rekeying.step()
        if step is None:
            return done.then(rekeying.end())
        done = done.then(step)
    return done


def _close_earlier(org_vault: OrgVault) -> None:
    """Close maintenance runs that began under an earlier key and were cut off; none is resumed."""
    epoch = org_vault.sealed.keys.epoch(org_vault.org)
    for intent in list(open_runs(org_vault)):
        if intent.kind in MAINTENANCE:
            with suppress(NotFound):
                if (
                    org_vault.sealed.header(object_names.intent(org_vault.org, intent.run)).epoch
                    < epoch
                ):
                    OpenRun(org_vault.org, intent.run, sealed=org_vault.sealed).close()


class _Rekeying:
    def __init__(self, org_vault: OrgVault, *, run: str, pause: Pause) -> None:
        self._org_vault = org_vault
        self._run = run
        self._steps = 0
        self._pause = pause
        self._epoch = org_vault.sealed.keys.epoch(org_vault.org)
        self._survey = EarlierKeysSurvey(org_vault, self._epoch)
        self._damaged: set[str] = set()
        self._disguised: set[str] = set()  # packs under an earlier key than their commit says

    def step(self) -> Rekeyed | None:
        """Make one commit; None if no commit names an object under an earlier key."""
        state = self._org_vault.chain.proved()
        if self._segments(state) or self._packs(state):
            return self._committed(self._data)
        documents = (n for n in self._survey.documents(state) if n not in self._damaged)
        names = list(islice(documents, DOCUMENTS))
        seqs = list(islice(self._manifests(state), DOCUMENTS))
        if names or seqs:
            return self._committed(partial(self._documents, names=names, seqs=seqs))
        return None

    def end(self) -> Rekeyed:
        """Reseal objects that no commit names; remove the earlier keys if nothing needs them."""
        self._beside()
        rekeyed = self._unfinished()
        # Earlier keys stay as long as anything needs them; the next maintenance tries again.
        if rekeyed.waiting or rekeyed.held_by or rekeyed.damaged:
            return rekeyed
        if disguised := self._survey.disguised(self._org_vault.chain.proved()):
            return self._revealed(disguised)
        self._remove_needless()
        keys, org = self._org_vault.sealed.keys, self._org_vault.org
        # A process that still uses an earlier key either takes the number of this commit, or is
        # stopped.
        done = self._committed(self._last) if self._org_vault.chain.live().seq else Rekeyed()
        if not self._is_clean():
            return replace(done, more=True, complete=False)
        for name in keys.copies_before(org, self._epoch):
            self._org_vault.sealed.store.delete(name)
        return done

    def _revealed(self, names: list[str]) -> Rekeyed:
        """Reseal packs that a commit of others lists under a wrong key; segments are damaged."""
        packs = object_names.packs(self._org_vault.org)
        self._damaged.update(name for name in names if not name.startswith(packs))
        self._disguised.update(name for name in names if name.startswith(packs))
        if self._disguised - self._damaged:
            return self._committed(self._data)
        return Rekeyed(damaged=min(self._damaged), complete=False)

    def _segments(self, state: LiveState) -> list[list[LiveSegment]]:
        """Group segments under earlier keys, except damaged ones, by what is resealed together."""
        segments = together(earlier_segments(state, self._epoch))
        return [segment for segment in segments if self._object(segment) not in self._damaged]

    def _object(self, segments: list[LiveSegment]) -> str:
        return object_names.segment(self._org_vault.org, segments[0].entry.object)

    def _packs(self, state: LiveState) -> list[PackEntry]:
        org, earlier = self._org_vault.org, {pack.id for pack in earlier_packs(state, self._epoch)}
        return [
            pack
            for _, pack in sorted(state.packs.items())
            if (name := object_names.pack(org, pack.id)) not in self._damaged
            and (pack.id in earlier or name in self._disguised)
        ]

    def _manifests(self, state: LiveState) -> Iterator[int]:
        for seq in self._survey.manifests(state):
            if object_names.commit(self._org_vault.org, seq) not in self._damaged:
                yield seq

    @contextmanager
    def _noting(self, name: str) -> Iterator[None]:
        """Catch the error of an object that does not open: note its name, and leave it as it is."""
        try:
            yield
        except (IntegrityError, NotFound) as error:
            if error.code in _NO_DAMAGE:
                raise
            self._damaged.add(name)

    def _committed(self, act: Callable[[MaintenanceRun, list[str]], Rekeyed]) -> Rekeyed:
        """Run ``act`` for one commit; after a failure, remove what was written for it."""
        self._steps += 1
        maintenance = MaintenanceRun(
            self._org_vault, run=f"{self._run}-{self._steps}", kind=CommitKind.REKEY
        )
        maintenance.open()
        written_names: list[str] = []
        try:
            done = act(maintenance, written_names)
        except Exception:
            self._drop(maintenance, written_names)
            maintenance.give_up()
            raise
        remove_erased(self._org_vault, self._org_vault.chain.proved())
        return done

    def _drop(self, maintenance: MaintenanceRun, written_names: list[str]) -> None:
        with suppress(UnlostError):
            if maintenance.is_surely_uncommitted():
                for name in written_names:
                    self._org_vault.sealed.store.delete(name)

    def _data(self, maintenance: MaintenanceRun, written_names: list[str]) -> Rekeyed:
        """Reseal segments, then packs, up to the size of one commit."""
        done, org_vault = ResealedData(), self._org_vault
        out = SegmentWriter(org_vault.org, sealed=org_vault.sealed, prefix=maintenance.prefix)
        for segment in self._segments(maintenance.base):
            if done.is_enough(sum(live.entry.own_bytes for live in segment)):
                break
            self._pause()
            with self._noting(self._object(segment)):
                for live, new in zip(segment, seal_segments(org_vault, out, segment), strict=True):
                    done.add(live.entry, new)
        for pack in self._packs(maintenance.base):
            if done.is_enough(pack.bytes):
                break
            self._pause()
            with self._noting(object_names.pack(org_vault.org, pack.id)):
                resealed = seal_pack(org_vault, pack)
                written_names.append(object_names.pack(org_vault.org, resealed.id))
                done.add_pack(pack, resealed)
        if not done.objects:
            maintenance.give_up()
            return _going_on(0, 0)
        maintenance_work = MaintenanceWork(
            parts=done.parts(),
            packs=tuple(new for _, new in done.packs),
            condemned=tuple(sorted(done.replaced(org_vault.org))),
        )
        return self._commit(maintenance, maintenance_work, _going_on(done.objects, done.bytes))

    def _documents(
        self,
        maintenance: MaintenanceRun,
        written_names: list[str],
        *,
        names: list[str],
        seqs: list[int],
    ) -> Rekeyed:
        """Reseal schemas and certificates, and write redactions of manifests."""
        done = ResealedDocuments()
        sealing = seal_documents(
            self._org_vault, maintenance.base, names, seqs, done=done, noting=self._noting
        )
        for name in sealing:
            written_names.append(name)
            self._pause()
        if not done.objects:
            maintenance.give_up()
            return _going_on(0, 0)
        maintenance_work = MaintenanceWork(
            objects=done.objects,
            withdrawn=done.withdrawn(self._org_vault, maintenance.base),
            recertified=done.recertified(self._org_vault.org),
        )
        size = sum(object_entry.bytes for object_entry in done.objects)
        # Alone: a redaction is valid from a commit number on, which must not go to another run.
        return self._commit(
            maintenance, maintenance_work, _going_on(len(done.objects), size), alone=True
        )

    def _last(self, maintenance: MaintenanceRun, _: list[str]) -> Rekeyed:
        return self._commit(maintenance, MaintenanceWork(), Rekeyed())

    def _commit(
        self,
        maintenance: MaintenanceRun,
        described: MaintenanceWork,
        done: Rekeyed,
        *,
        alone: bool = False,
    ) -> Rekeyed:
        described = replace(described, collected=collected_up_to(self._org_vault, maintenance.base))
        return replace(done, snapshot=maintenance.commit(described, alone=alone).number)

    def _beside(self) -> None:
        """Reseal the identity, and the journals of runs that are not open."""
        org_vault = self._org_vault
        under_way = tuple(
            object_names.journal(org_vault.org, run.run) for run in open_runs(org_vault)
        )
        for name in self._survey.journals():
            if not name.startswith(under_way):
                self._pause()
                with self._noting(name):
                    seal_beside(org_vault, ObjectKind.JOURNAL, name)
        for name in self._survey.identities():
            with self._noting(name):
                seal_beside(org_vault, ObjectKind.IDENTITY, name)

    def _unfinished(self) -> Rekeyed:
        """Return the reasons that keep the earlier keys for now."""
        state = self._org_vault.chain.proved()
        self._damaged.update(self._survey.lost_entries(state))
        waiting = self._survey.waiting(state)
        pending_runs = [
            object_names.run_of(name) for name in (*self._survey.runs(), *self._survey.journals())
        ]
        if self._survey.needless(state):  # an open run may still come to need it
            pending_runs += [intent.run for intent in open_runs(self._org_vault)]
        return Rekeyed(
            waiting=len(waiting),
            held_by=next(iter(pending_runs), ""),
            damaged=min(self._damaged, default=""),
            complete=False,
        )

    def _remove_needless(self) -> None:
        """Remove unused documents and checkpoints, which only repeat manifests."""
        for name in self._survey.needless(self._org_vault.chain.proved()):
            self._org_vault.sealed.store.delete(name)
        if self._survey.checkpoints():
            self._org_vault.chain.renew_checkpoint()

    def _is_clean(self) -> bool:
        """Return true if nothing of the org needs an earlier key, after a new search."""
        # A new survey: the other one remembers epochs from before the keys were retired.
        state, survey = (
            self._org_vault.chain.proved(),
            EarlierKeysSurvey(self._org_vault, self._epoch),
        )
        return not (
            earlier_segments(state, self._epoch)
            or earlier_packs(state, self._epoch)
            or survey.documents(state)
            or any(survey.manifests(state))
            or survey.journals()
            or survey.identities()
            or survey.runs()
            or survey.needless(state)
            or survey.waiting(state)
            or survey.checkpoints()
        )


def _going_on(objects: int, size: int) -> Rekeyed:
    return Rekeyed(objects=objects, bytes=size, more=True, complete=False)
