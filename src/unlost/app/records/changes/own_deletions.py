"""The records that runs of ours deleted between two backups, from their journals.

An undo deletes records, and an archive that frees old versions deletes new files again if the old
ones must stay. Archived records are no part of this: the vault has them as such.
"""

from collections.abc import Mapping
from contextlib import suppress

from unlost.app.compose import Application
from unlost.engine.restore.journal.archives import discarded
from unlost.engine.restore.journal.effects import EffectKind, RunEffects, effects_of
from unlost.model.errors import NotFound
from unlost.model.vault.snapshot import CommitKind


def own_deletions(
    app: Application, oid: str, *, after: int, until: int
) -> Mapping[str, frozenset[str]]:
    """Return the ids of the deleted records, by table."""
    vault = app.whole_vault
    deleted: dict[str, set[str]] = {}
    for commit in vault.commits(oid):
        if commit.kind is CommitKind.RESTORE and after < commit.number < until:
            with suppress(NotFound):  # its journal was erased
                _note(deleted, effects_of(vault.journal(oid, commit.run), commit.run))
    for table, ids in discarded(vault, oid, after=after, until=until).items():
        deleted.setdefault(table, set()).update(ids)
    return {table: frozenset(ids) for table, ids in deleted.items()}


def _note(deleted: dict[str, set[str]], known: RunEffects) -> None:
    """Add the records that a run deleted."""
    for effect in known.effects.values():
        if effect.kind is EffectKind.REMOVED:
            deleted.setdefault(effect.table, set()).add(effect.live)
    for key in known.announced:  # the answers of these calls are missing
        deleted.setdefault(key.table, set()).add(key.record)
