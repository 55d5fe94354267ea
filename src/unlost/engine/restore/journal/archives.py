"""The records that archives took out of an org: those that no version in the vault names yet, too.

    backup 7 ── archive deletes A1 ── it stops ── backup 8: A1 is gone ── it ends ── commit 9: archived

Between backups 7 and 8, A1 seems to be deleted. Only the journal of the archive knows better.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain

import pyarrow.compute as pc

from unlost.engine.restore.journal.effects import Effect, EffectKind, RunEffects, effects_of
from unlost.engine.restore.journal.entries import RunOpened, decode
from unlost.model.errors import NotFound
from unlost.model.plan import RecordKey, RestorePlan
from unlost.model.ports.vault import Journal, Vault, VaultReader
from unlost.model.runs.exclusion import RunKind
from unlost.model.vault.snapshot import CommitKind

type ArchiveRuns = Mapping[str, Mapping[str, str]]
"""By table and id of a record, the archive that took it out of the org."""


def uncommitted(
    vault: Vault, org: str, *, until: int | None = None, besides: str = ""
) -> ArchiveRuns:
    """The records that archives deleted before backup ``until`` and had not committed by then.

    ``until`` None: as of now. ``besides``: a run that is left out.
    """
    runs: dict[str, dict[str, str]] = {}
    for run in _runs(vault, org, until):
        if run == besides:
            continue
        with suppress(NotFound):  # its journal was erased
            known = effects_of(vault.journal(org, run), run)
            # What was planned on this backup or a later one was deleted after it.
            if until is None or known.plan.snapshot < until:
                _note(runs, known)
    return runs


def committed_by(vault: VaultReader, org: str, run: str) -> set[RecordKey]:
    """The records that an archive committed, as the vault has them. Reads all deleted records."""
    numbers = [c.number for c in vault.commits(org) if (c.kind, c.run) == (CommitKind.ARCHIVE, run)]
    records: set[RecordKey] = set()
    for number in numbers:
        snapshot = vault.at(org, number, forgotten=True)
        for table in snapshot.tables():
            for rows in snapshot.scan_deleted(table, columns=[]):
                mine = rows.filter(pc.equal(rows["_u_snap"], number))
                records |= {RecordKey(table, record) for record in mine["_u_id"].to_pylist()}
    return records


def discarded(vault: Vault, org: str, *, after: int, until: int) -> Mapping[str, frozenset[str]]:
    """The new files, by table, of archives between two backups that deleted them again."""
    gone: dict[str, set[str]] = {}
    for commit in vault.commits(org):
        if commit.kind is CommitKind.ARCHIVE and after < commit.number < until:
            journal = vault.journal(org, commit.run)
            if _frees_versions(journal):
                for effect in _not_needed(effects_of(journal, commit.run)):
                    gone.setdefault(effect.table, set()).add(effect.live)
    return {table: frozenset(ids) for table, ids in gone.items()}


def _frees_versions(journal: Journal) -> bool:
    """True for an archive with new files; the journals of others need not be read to their ends.

    An erased journal is empty.
    """
    first = next(journal.read(), None)
    opened = decode(first)[0] if first is not None else None
    policy = opened.plan.selection.policy if isinstance(opened, RunOpened) else None
    return policy is not None and policy.frees_versions


def _not_needed(known: RunEffects) -> Iterator[Effect]:
    """The new records of an archive whose old ones stayed: it deletes them again."""
    for effect in known.effects.values():
        old = known.effects.get(RecordKey(effect.table, effect.record))
        stays = old is None or old.kind is not EffectKind.REMOVED
        if effect.kind is EffectKind.BROUGHT and stays:
            yield effect


def _runs(vault: Vault, org: str, until: int | None) -> Iterator[str]:
    if until is not None:
        for commit in vault.commits(org):
            if commit.kind is CommitKind.ARCHIVE and commit.number > until:
                yield commit.run
    for run in vault.journals(org, unfinished=True):
        if run.startswith(RunKind.ARCHIVE):
            yield run


def _note(runs: dict[str, dict[str, str]], known: RunEffects) -> None:
    """Add the records that a run deleted, and those of calls whose answer is missing."""
    removed = (e for e in known.effects.values() if e.kind is EffectKind.REMOVED)
    for effect in chain(removed, _not_needed(known)):
        runs.setdefault(effect.table, {})[effect.live] = known.run
    for key in known.announced:
        runs.setdefault(key.table, {})[key.record] = known.run


def plan_of(journal: Journal) -> RestorePlan:
    """The plan of a run, which is the first entry of its journal."""
    opened = decode(next(journal.read()))[0]
    assert isinstance(opened, RunOpened), "a run opens its journal before its first call"
    return opened.plan
