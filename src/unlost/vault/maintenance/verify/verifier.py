"""Verification of a whole vault, level by level.

    vault.json ─▶ register ─▶ keys ─▶ chain ─▶ live objects ─▶ contents
    quick         quick       quick   quick    size, full: hash   deep

Each step relies on the one before: a chain cannot be opened without keys, and only the chain knows
which objects are live. Backups may go on meanwhile; see ``OrgVerifier._listing``.
"""

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress

from unlost.model.errors import IntegrityError, NotAllowed, NotFound, UnlostError
from unlost.model.vault.snapshot import VerifyLevel, VerifyReport
from unlost.vault.commits.state import epochs_in, live_objects
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.register import shredded_orgs
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.layout.org_names import identity_name
from unlost.vault.maintenance.verify.commits import ChainVerifier, ChainWalk
from unlost.vault.maintenance.verify.deep import DeepVerifier
from unlost.vault.maintenance.verify.head_memory import HeadMemory, RememberedHead
from unlost.vault.maintenance.verify.journals import JournalVerifier
from unlost.vault.maintenance.verify.material import (
    check_homes,
    check_org_keys,
    check_register,
    check_vault_file,
)
from unlost.vault.maintenance.verify.objects import check_digests, check_sizes
from unlost.vault.maintenance.verify.scope import VerifyScope
from unlost.vault.maintenance.verify.verify_result import MISSING, VerifyFindings
from unlost.vault.read.org_vault import OrgVault

_ORG = re.compile(r"(?:orgs|names)/([0-9a-f]{32})(?:/|$)")


def verify_vault(
    sealed: SealedObjects,
    *,
    scope: VerifyScope,
    memory: HeadMemory,
    open_org: Callable[[str], OrgVault],
) -> VerifyReport:
    """Verify all orgs of a vault.

    ``open_org``: opens an org (used only by ``deep``). Damage is reported and never raised. Raises
    StoreError if the store does not answer.
    """
    findings = VerifyFindings()
    check_vault_file(sealed.store, sealed.keys, findings)
    heads: dict[str, str] = {}
    entries = 0
    names = [listed.name for listed in sealed.store.list("")]
    orgs = sorted(_orgs_in(sealed, names, memory))
    forgotten = [org for org in orgs if not memory.knows(org)]  # a deep look notes the heads anew
    for org in orgs:
        verifier = OrgVerifier(org, sealed=sealed, memory=memory, findings=findings)
        walk = verifier.check(scope)
        entries = max(entries, walk.slots)
        if walk.state.seq:
            heads[org] = walk.state.head
        if scope.level is VerifyLevel.DEEP and walk.whole:
            verifier.check_deep(walk, open_org)
    # After the orgs: only their manifests show how many entries the register must have.
    check_register(sealed.store, sealed.keys, findings, named=entries)
    check_homes(sealed, findings)
    damages = findings.damages()
    strange = set(itertools.filterfalse(object_names.is_in_layout, names))
    return VerifyReport(
        level=scope.level,
        objects=findings.objects,
        bytes=findings.bytes,
        heads=heads,
        damages=damages,
        unproved=tuple(org for org in forgotten if org in heads),
        strange=tuple(sorted(strange.difference(damage.object for damage in damages))),
    )


class OrgVerifier:
    """Verifies one org up to the level ``full``; ``good``: the objects that agree."""

    def __init__(
        self, org: str, *, sealed: SealedObjects, memory: HeadMemory, findings: VerifyFindings
    ) -> None:
        self._org = org
        self._sealed = sealed
        self._memory = memory
        self._findings = findings
        self.good: frozenset[str] = frozenset()

    def check(self, scope: VerifyScope) -> ChainWalk:
        """Verify keys, chain, open runs, and live objects."""
        remembered = self._memory.of(self._org)
        listing = self._listing()
        newest = self._newest_epoch(listing)
        if not self._has_keys(newest):
            self._check_keys(named=newest)
            self._check_newest(listing, remembered)
            return ChainWalk(whole=False)
        walk = ChainVerifier(
            self._org,
            sealed=self._sealed,
            listing=listing,
            remembered=remembered,
            findings=self._findings,
        ).walk()
        self._check_keys(named=newest | epochs_in(walk.state))
        self._check_identity()
        self._check_runs(listing)
        JournalVerifier(
            self._org, sealed=self._sealed, listing=listing, findings=self._findings
        ).check(walk.state.journals, scope, over=walk.unjournaled)
        objects = check_sizes(live_objects(walk.state, org=self._org), listing, self._findings)
        objects = [object_entry for object_entry in objects if scope.proves(object_entry.name)]
        objects = check_digests(objects, self._sealed.store, self._findings)
        self.good = _names(objects)
        return walk

    def _listing(self) -> dict[str, int]:
        """List the org's objects as of the time when commits were listed: sizes by name.

        A backup may commit meanwhile. Commits and checkpoints are listed first, so that every
        object they name existed before the rest was listed.
        """
        store, folders = self._sealed.store, (object_names.checkpoints, object_names.commits)
        ends = {
            listed.name: listed.size
            for folder in folders
            for listed in store.list(folder(self._org))
        }
        rest = {
            listed.name: listed.size
            for listed in store.list(f"orgs/{self._org}/")
            if not listed.name.startswith(tuple(folder(self._org) for folder in folders))
        }
        return ends | rest

    def check_deep(self, walk: ChainWalk, open_org: Callable[[str], OrgVault]) -> None:
        """Decrypt and recompute the objects that agreed so far."""
        opened = self._findings.attempt(
            identity_name(self._sealed.store, self._org), lambda: open_org(self._org)
        )
        if opened is not None:
            DeepVerifier(opened, good=self.good, findings=self._findings).check(walk.state)

    def _check_newest(self, listing: Mapping[str, int], remembered: RememberedHead) -> None:
        """Report a newest commit that was seen and is missing, where no commit can be opened."""
        newest = max(remembered.numbers, default=0)
        name = object_names.commit(self._org, newest)
        redacted = object_names.redactions(self._org, newest)
        if newest and not any(n == name or n.startswith(redacted) for n in listing):
            self._findings.damage(name, MISSING)

    def _check_identity(self) -> None:
        """Check the object with the org's identity."""
        name = identity_name(self._sealed.store, self._org)
        self._findings.count_object(self._sealed.store.size(name) or 0)
        self._findings.attempt(
            name,
            lambda: self._sealed.get_either(
                ObjectKind.IDENTITY, org=self._org, name=object_names.identity(self._org)
            ),
        )

    def _check_runs(self, listing: dict[str, int]) -> None:
        """Check intents and the objects beside them; a run that ends meanwhile is no damage."""
        for name, size in listing.items():
            if name.startswith(f"orgs/{self._org}/runs/"):
                self._findings.count_object(size)
                with suppress(NotFound):
                    self._check_run(name)

    def _check_run(self, name: str) -> None:
        data = self._sealed.store.get(name)
        self._findings.attempt(
            name,
            lambda: self._sealed.open(ObjectKind.INTENT, org=self._org, name=name, data=data),
        )

    def _check_keys(self, *, named: Collection[int]) -> None:
        sealed = self._sealed
        check_org_keys(sealed.store, sealed.keys, self._org, self._findings, named=named)

    def _newest_epoch(self, listing: Mapping[str, int]) -> frozenset[int]:
        """Return the epoch that the newest manifest names; empty without a manifest."""
        folder = object_names.commits(self._org)
        newest = max((name for name in listing if name.startswith(folder)), default=None)
        with suppress(UnlostError):  # the walk along the chain reports it
            return frozenset([self._sealed.header(newest).epoch]) if newest else frozenset()
        return frozenset()

    def _has_keys(self, newest: Collection[int]) -> bool:
        """Return false if the org's keys are lost: then nothing else of it can be verified."""
        keys = self._sealed.keys
        try:
            keys.identity_key(self._org, "")
        except (
            IntegrityError,
            NotAllowed,
        ):  # NotAllowed: anyone can add a copy with a later number
            return False
        return any(map(self._has_key, newest or keys.epochs(self._org)))

    def _has_key(self, epoch: int) -> bool:
        try:
            self._sealed.keys.object_key(ObjectKind.MANIFEST, org=self._org, name="", epoch=epoch)
        except (IntegrityError, NotAllowed):
            return False
        return True


def _names(objects: Iterable[ObjectEntry]) -> frozenset[str]:
    return frozenset(entry.name for entry in objects)


def _orgs_in(sealed: SealedObjects, names: Iterable[str], memory: HeadMemory) -> set[str]:
    """Return the orgs of the vault, also those that are only remembered: all of them is gone."""
    org_oids = {match[1] for match in map(_ORG.match, names) if match} | memory.orgs()
    return org_oids - shredded_orgs(sealed.store, sealed.keys).keys()
