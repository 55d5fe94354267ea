"""Runs whose journals a commit took away: their names are not used again, and what is left of them goes."""

from contextlib import suppress

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.snapshot import CommitKind
from unlost.vault.commits.state import LiveState
from unlost.vault.read.org_vault import OrgVault

_TAKING = frozenset({CommitKind.ERASE, CommitKind.RECTIFY, CommitKind.SALVAGE})


def unjournaled(room: OrgVault, state: LiveState) -> frozenset[str]:
    """The runs whose journals are gone, or are to go; a commit that is lost cannot tell."""
    taking = [seq for seq, info in state.commits.items() if info.kind in _TAKING]
    for seq in taking:
        if seq not in room.unjournaled:
            with suppress(IntegrityError, NotFound):
                room.unjournaled[seq] = room.chain.manifest(seq)[0].unjournaled
    runs_dropped = frozenset(run for seq in taking for run in room.unjournaled.get(seq, ()))
    return runs_dropped - state.journals.keys()
