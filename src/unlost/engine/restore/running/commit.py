"""The commit of a restore: which records came back under which ids."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from unlost.model.plan import RecordKey, RestorePlan
from unlost.model.ports.vault import Vault
from unlost.model.vault.snapshot import CommitKind, Lineage, TableCommit


def lineage_of(plan: RestorePlan, links: Mapping[RecordKey, str], *, run: str) -> list[Lineage]:
    """The rows of the records that came back under another id.

    A record that was created beside another has none: it is not that record.
    """
    beside = {step.key for step in plan.steps if step.beside}
    return [
        Lineage(key.table, key.record, live, plan.target, run)
        for key, live in sorted(links.items(), key=lambda item: str(item[0]))
        if live != key.record and key not in beside
    ]


def commit_lineage(
    vault: Vault, plan: RestorePlan, rows: Sequence[Lineage], *, run: str, as_of: datetime
) -> None:
    """Write one commit with these rows; calling it again gives the same."""
    identity = vault.orgs()[plan.target]
    commit = vault.begin(plan.target, run=run, kind=CommitKind.RESTORE, identity=identity)
    added = [commit.lineage(rows)] if rows else []
    commit.finish([TableCommit(part.table, (part,)) for part in added], as_of=as_of)
