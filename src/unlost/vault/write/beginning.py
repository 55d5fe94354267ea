"""Beginning a commit: the run's intent is written before anything else."""

from unlost.model.org import OrgIdentity
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.commits.intents import OpenRun
from unlost.vault.format import number as numbers
from unlost.vault.format.manifest import RunIntent
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.finish import commit_of_run
from unlost.vault.write.open_commit import OpenCommit


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
    return OpenCommit(org_vault, intent=intent, open_run=open_run, resumed=resumed)
