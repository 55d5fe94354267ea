"""Beginning a commit: the run's intent is written before anything else."""

import re

from unlost.model.errors import Conflict
from unlost.model.org import OrgIdentity
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import LiveState
from unlost.vault.format import number as numbers
from unlost.vault.format.manifest import RunIntent
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.finish import commit_of_run
from unlost.vault.write.open_commit import OpenCommit
from unlost.vault.write.open_runs import open_runs

_PREFIX = re.compile(f"[0-9a-f]{{{2 * object_names.RUN_PREFIX_BYTES}}}")


def begin_commit(
    org_vault: OrgVault, *, run: str, kind: CommitKind, identity: OrgIdentity
) -> OpenCommit:
    """Open or reopen the commit of a run."""
    state = org_vault.chain.proved()
    open_run = OpenRun(org_vault.org, run, sealed=org_vault.sealed)
    fresh = RunIntent(
        format=numbers.FORMAT,
        run=object_names.check_run(run),
        kind=kind,
        identity=identity,
        base=state.seq,
        started=org_vault.clock.now(),
        segment_prefix=org_vault.sealed.entropy.bytes(object_names.RUN_PREFIX_BYTES).hex(),
    )
    resumed = open_run.is_open()
    done = commit_of_run(state, run)
    # A committed run gets no intent again: nothing would remove it.
    intent = fresh if done is not None else open_run.open(fresh)
    if intent != fresh:
        _check_own(org_vault, state, intent, fresh)
    return OpenCommit(org_vault, intent=intent, open_run=open_run, resumed=resumed)


def _check_own(org_vault: OrgVault, state: LiveState, intent: RunIntent, fresh: RunIntent) -> None:
    """Raise Conflict for an intent that no process of this run wrote.

    The name of a nightly run is no secret. With the prefix of other segments, the run would take
    these for its own, and remove them when it is given up.
    """
    prefix = intent.segment_prefix
    others = (other for other in open_runs(org_vault) if other.run != intent.run)
    if (
        (intent.run, intent.kind) != (fresh.run, fresh.kind)
        or not intent.identity.same_org(fresh.identity)
        or intent.base > fresh.base
        or _PREFIX.fullmatch(prefix) is None
        or any(entry.object.startswith(prefix) for entry in state.entries())
        or any(entry.id.startswith(prefix) for entry in state.entries())
        or any(other.segment_prefix == prefix for other in others)
    ):
        raise Conflict(
            "run-given-up",
            "Another process has taken the name of the run {run}.",
            next_step="Start a new run. If it happens again, find out who can write to the vault.",
            run=intent.run,
        )
