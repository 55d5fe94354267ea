"""Rekeying an org: what is live is sealed anew under its newest key, then the earlier keys go.

It goes on in steps, each of which ends with a commit or does not count. First segments and packs, then the
documents and manifests, then journals; and when nothing under an earlier key is left in the store, also
of what nothing needs any more, the vault says that the earlier keys are gone, and removes them.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice

from unlost.model.errors import UnlostError
from unlost.model.rekeying import Rekeyed
from unlost.model.snapshot import CommitKind
from unlost.vault import places
from unlost.vault.erase.removal import remove_erased
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.garbage import collected_up_to
from unlost.vault.maintenance import Maintenance, Work, close_cut_off, open_runs
from unlost.vault.rekey.data import SealedAnew, seal_pack, seal_segments, together
from unlost.vault.rekey.documents import Documents, seal_beside, seal_documents
from unlost.vault.rekey.look import Looking, earlier_packs, earlier_segments, is_complete
from unlost.vault.room import OrgRoom
from unlost.vault.segmentwriter import SegmentWriter

DOCUMENTS = 256  # that one commit has anew, and as many manifests

type Pause = Callable[[], None]


def rekey(room: OrgRoom, *, run: str, most: int | None, pause: Pause) -> Rekeyed:
    """Go on until all is done, or ``most`` bytes are; see the port ``Rekeying``."""
    state = room.chain.proved()
    if is_complete(room.sealed.keys, room.org):
        return Rekeyed()
    close_cut_off(room, CommitKind.REKEY)
    remove_erased(room, state)
    rekeying = _Rekeying(room, run=run, pause=pause)
    done = Rekeyed()
    while most is None or done.bytes < most:
        step = rekeying.step()
        if step is None:
            return done.then(rekeying.end())
        done = done.then(step)
    return done


class _Rekeying:
    def __init__(self, room: OrgRoom, *, run: str, pause: Pause) -> None:
        self._room = room
        self._run = run
        self._steps = 0
        self._pause = pause
        self._epoch = room.sealed.keys.epoch(room.org)
        self._looking = Looking(room, self._epoch)

    def step(self) -> Rekeyed | None:
        """One commit; None where nothing is left that commits name."""
        state = self._room.chain.proved()
        if earlier_segments(state, self._epoch) or earlier_packs(state, self._epoch):
            return self._committed(self._data)
        names = self._looking.documents(state)[:DOCUMENTS]
        seqs = list(islice(self._looking.manifests(state), DOCUMENTS))
        if names or seqs:
            return self._committed(partial(self._documents, names=names, seqs=seqs))
        return None

    def end(self) -> Rekeyed:
        """What no commit names; and the earlier keys go, if nothing is under them any more."""
        self._beside()
        left = self._left()
        if left.waiting or left.held_by:
            return left
        self._remove_needless()
        keys, org = self._room.sealed.keys, self._room.org
        keys.retire(org, before=self._epoch)
        # Who wrote under an earlier key until now either has the number of this commit, or is stopped.
        done = self._committed(self._last) if self._room.chain.live().seq else Rekeyed()
        if not self._is_clean():
            return replace(done, more=True, complete=False)
        for name in keys.gone_copies(org):
            self._room.sealed.store.delete(name)
        return done

    def _committed(self, act: Callable[[Maintenance, list[str]], Rekeyed]) -> Rekeyed:
        """A commit of its own; what was written for it goes where it fails."""
        self._steps += 1
        work = Maintenance(self._room, run=f"{self._run}-{self._steps}", kind=CommitKind.REKEY)
        work.open()
        made: list[str] = []
        try:
            done = act(work, made)
        except Exception:
            self._drop(work, made)
            work.give_up()
            raise
        remove_erased(self._room, self._room.chain.proved())
        return done

    def _drop(self, work: Maintenance, made: list[str]) -> None:
        with suppress(UnlostError):
            if work.came_to_nothing():
                for name in made:
                    self._room.sealed.store.delete(name)

    def _data(self, work: Maintenance, made: list[str]) -> Rekeyed:
        """Segments, then packs, until it is enough for one commit."""
        done, room = SealedAnew(), self._room
        out = SegmentWriter(room.org, sealed=room.sealed, prefix=work.prefix)
        for own in together(earlier_segments(work.base, self._epoch)):
            if done.is_enough(sum(live.entry.own_bytes for live in own)):
                break
            self._pause()
            for live, new in zip(own, seal_segments(room, out, own), strict=True):
                done.took(live.entry, new)
        for pack in earlier_packs(work.base, self._epoch):
            if done.is_enough(pack.bytes):
                break
            self._pause()
            resealed = seal_pack(room, pack)
            made.append(places.pack(room.org, resealed.id))
            done.took_pack(pack, resealed)
        told = Work(
            parts=done.parts(),
            packs=tuple(new for _, new in done.packs),
            condemned=tuple(sorted(done.replaced(room.org))),
        )
        return self._commit(work, told, _going_on(done.objects, done.bytes))

    def _documents(
        self, work: Maintenance, made: list[str], *, names: list[str], seqs: list[int]
    ) -> Rekeyed:
        """Schemas and certificates, and what stands in place of manifests."""
        done = Documents()
        for name in seal_documents(self._room, work.base, names, seqs, done=done):
            made.append(name)
            self._pause()
        told = Work(
            objects=done.objects,
            withdrawn=done.withdrawn(self._room, work.base),
            recertified=done.recertified(self._room.org),
        )
        size = sum(one.bytes for one in done.objects)
        return self._commit(work, told, _going_on(len(done.objects), size), alone=True)

    def _last(self, work: Maintenance, _: list[str]) -> Rekeyed:
        return self._commit(work, Work(), Rekeyed())

    def _commit(
        self, work: Maintenance, told: Work, done: Rekeyed, *, alone: bool = False
    ) -> Rekeyed:
        told = replace(told, collected=collected_up_to(self._room, work.base))
        return replace(done, snapshot=work.commit(told, alone=alone).number)

    def _beside(self) -> None:
        """Journals of runs that are not under way, and the identity."""
        room = self._room
        under_way = tuple(places.journal(room.org, one.run) for one in open_runs(room))
        for name in self._looking.journals():
            if not name.startswith(under_way):
                self._pause()
                seal_beside(room, ObjectKind.JOURNAL, name)
        for name in self._looking.identities():
            seal_beside(room, ObjectKind.IDENTITY, name)

    def _left(self) -> Rekeyed:
        """What keeps the earlier keys for now."""
        state = self._room.chain.proved()
        waiting = self._looking.waiting(state)
        held = [places.run_of(name) for name in (*self._looking.runs(), *self._looking.journals())]
        if self._looking.needless(state):  # an open run may still come to need it
            held += [intent.run for intent in open_runs(self._room)]
        return Rekeyed(waiting=len(waiting), held_by=next(iter(held), ""), complete=False)

    def _remove_needless(self) -> None:
        """Documents that came to nothing, and checkpoints: they only repeat what manifests tell."""
        for name in self._looking.needless(self._room.chain.proved()):
            self._room.sealed.store.delete(name)
        if self._looking.checkpoints():
            self._room.chain.renew_checkpoint()

    def _is_clean(self) -> bool:
        """True if nothing of the org needs an earlier key; looked at anew."""
        state, looking = self._room.chain.proved(), Looking(self._room, self._epoch)
        return not (
            earlier_segments(state, self._epoch)
            or earlier_packs(state, self._epoch)
            or looking.documents(state)
            or any(looking.manifests(state))
            or looking.journals()
            or looking.identities()
            or looking.runs()
        )


def _going_on(objects: int, size: int) -> Rekeyed:
    return Rekeyed(objects=objects, bytes=size, more=True, complete=False)
