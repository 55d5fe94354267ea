"""Runs whose journals a commit removed: their names are not reused, leftovers are removed."""

from contextlib import suppress

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.commits.state import LiveState
from unlost.vault.read.org_vault import OrgVault

_REMOVING_JOURNALS = frozenset({CommitKind.ERASE, CommitKind.RECTIFY, CommitKind.SALVAGE})


def dropped_journals(org_vault: OrgVault, state: LiveState) -> frozenset[str]:
    """The runs whose journals are or will be removed; runs that a lost commit names are missing."""
    taking = [seq for seq, info in state.commits.items() if info.kind in _REMOVING_JOURNALS]
    if taking:  # foreign commits take no journal away before that is decided
        refused = org_vault.foreign.known_guard().refused
        taking = [seq for seq in taking if seq not in refused]
    for seq in taking:
        if seq not in org_vault.dropped_journals_by_commit:
            with suppress(IntegrityError, NotFound):
                org_vault.dropped_journals_by_commit[seq] = org_vault.chain.manifest(seq)[
                    0
                ].unjournaled
    runs_dropped = frozenset(
        run for seq in taking for run in org_vault.dropped_journals_by_commit.get(seq, ())
    )
    return runs_dropped - state.journals.keys()
