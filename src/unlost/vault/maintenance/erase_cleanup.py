"""Removal of the objects that an erasure replaced, repeated until none is left.

An erasure commits first and deletes afterwards. The names of the objects to delete follow from the
chain alone, so that any later process can finish a cleanup that was cut off. Unlike garbage, these
objects are removed immediately and not after seven days. Journals and certificates that a salvage
gave up are removed here too: a partial journal would be taken for an open one. Erasures that this
home did not order are left alone until they are decided. See docs/adr/0023, docs/adr/0032 and
docs/adr/0036.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.commits.foreign_commits import RemovalGuard
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import REMOVING, LiveState, live_objects
from unlost.vault.format.manifest import Manifest
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.dropped_journals import dropped_journals

_REKEYING = frozenset({CommitKind.REKEY})  # readers may still need objects they condemned


def erasures_in(org_vault: OrgVault, state: LiveState) -> list[Manifest]:
    """List the manifests of erasures and rectifications, oldest first."""
    return _of_kind(org_vault, state, REMOVING)


def _salvages_in(org_vault: OrgVault, state: LiveState) -> Iterator[Manifest]:
    """Iterate over the manifests of salvages, oldest first.

    Skips a manifest that is lost: it erased nothing.
    """
    for seq, info in sorted(state.commits.items()):
        if info.kind is CommitKind.SALVAGE:
            with suppress(IntegrityError, NotFound):
                yield org_vault.chain.manifest(seq)[0]


def _of_kind(
    org_vault: OrgVault, state: LiveState, kinds: Collection[CommitKind]
) -> list[Manifest]:
    numbers = sorted(seq for seq, info in state.commits.items() if info.kind in kinds)
    return [org_vault.chain.manifest(seq)[0] for seq in numbers]


def remove_erased(org_vault: OrgVault, state: LiveState) -> int:
    """Remove the objects that erasures replaced; returns the bytes removed. Safe to repeat.

    Objects that wait for a decision stay.
    """
    erasures = erasures_in(org_vault, state)
    given_up = any(info.kind is CommitKind.SALVAGE for info in state.commits.values())
    redactions = org_vault.sealed.store.list(object_names.redactions(org_vault.org))
    if not erasures and not given_up and not any(redactions):
        return 0
    size, guard = 0, org_vault.foreign.guard()
    for name in _must_not_exist(org_vault, state, erasures, guard):
        if not guard.protects(name):
            size += org_vault.sealed.store.size(name) or 0
            org_vault.sealed.store.delete(name)
    return size


def is_complete(org_vault: OrgVault, state: LiveState) -> bool:
    """Return true if the store contains nothing that an erasure removed from the chain."""
    guard = org_vault.foreign.known_guard()
    return not any(_must_not_exist(org_vault, state, erasures_in(org_vault, state), guard))


def _must_not_exist(
    org_vault: OrgVault, state: LiveState, erasures: list[Manifest], guard: RemovalGuard
) -> Iterator[str]:
    """Iterate over the objects that exist and must not, in the order of the listing.

    These are segments, packs, documents that describe them, and the keys of runs that ended. Any
    order is safe: their names follow from the chain, whose manifests or redactions stay, so that a
    cleanup that was cut off finds the others again.
    """
    listed = [
        listed_object.name
        for listed_object in org_vault.sealed.store.list(f"orgs/{org_vault.org}/")
    ]
    live = {entry.name for entry in live_objects(state, org=org_vault.org)}
    redactions = object_names.redactions(org_vault.org)
    erasures = [erasure for erasure in erasures if erasure.seq not in guard.refused]
    gone = {
        name for erasure in erasures for name in (*erasure.condemned, *erasure.withdrawn)
    } - live
    documents = (
        object_names.schemas(org_vault.org),
        object_names.certificates(org_vault.org),
        redactions,
    )
    # Reading these manifests costs a request each, so only where something may be left of them.
    if any(name.startswith(documents) and name not in live for name in listed):
        withdrawing = [*_of_kind(org_vault, state, _REKEYING), *_salvages_in(org_vault, state)]
        gone |= {
            name
            for manifest in withdrawing
            if manifest.seq not in guard.refused
            for name in manifest.withdrawn
        } - live
    there = set(listed)
    stood_in = {  # a manifest is deleted only if its redaction exists
        object_names.commit(org_vault.org, object_names.redacted(name))
        for name in state.objects
        if name.startswith(redactions) and name in there
    }
    # A checkpoint repeats the live state, with the ids of segments. Checkpoints before the last
    # erasure would therefore reveal erased ids.
    checkpoints = object_names.checkpoints(org_vault.org)
    newest = object_names.checkpoint(org_vault.org, erasures[-1].seq if erasures else 0)
    # Journals are matched by prefix: the number of their entries is not known here.
    journals = tuple(
        object_names.journal(org_vault.org, run) for run in dropped_journals(org_vault, state)
    )
    for name in listed:
        if (
            name in gone
            or name in stood_in
            or name.startswith(journals)
            or (name.startswith(checkpoints) and name < newest)
            or (name.startswith(redactions) and name not in live and _is_late(name, state))
            or _is_key_of_ended_run(org_vault, state, name)
        ):
            yield name


def _is_key_of_ended_run(org_vault: OrgVault, state: LiveState, name: str) -> bool:
    """Return true for the key of a run that ended: a copy of its buffered rows opens with it."""
    run = object_names.run_of_key(name)
    if not run:
        return False
    over = any(info.run == run for info in state.commits.values())
    return over or not OpenRun(org_vault.org, run, sealed=org_vault.sealed).is_open()


def _is_late(name: str, state: LiveState) -> bool:
    """Return true if a redaction's commit can no longer be made: its number is taken."""
    return object_names.redacted_by(name) <= state.seq
