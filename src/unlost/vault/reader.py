"""An opened vault for reading: the port ``VaultReader``. Hidden columns are never read.

Each kind of reading is imported when it is asked for: commands need one of them.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.vault.snapshot import CommitKind, SearchHelp, SearchIndexState
from unlost.vault.commits.state import shown_backups
from unlost.vault.keys.register import shredded_orgs
from unlost.vault.layout.org_names import is_named, named_orgs
from unlost.vault.read.org_vault import unknown_org
from unlost.vault.read.snapshot import VaultSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from unlost.model.org import OrgIdentity
    from unlost.model.ports.vault import RecordFilter
    from unlost.model.source.hidden_columns import HiddenColumns
    from unlost.model.vault.erasure import PastErasure
    from unlost.model.vault.past_salvage import PastSalvage
    from unlost.model.vault.snapshot import Lineage, SearchHits, SnapshotInfo, Version
    from unlost.vault.commits.state import LiveState
    from unlost.vault.keys.sealing import SealedObjects
    from unlost.vault.read.org_vault import OrgReader, OrgVault


class OpenOrgs:
    """The orgs of an opened vault, each opened once. Safe to share between threads."""

    def __init__(self, sealed: SealedObjects, open_org: Callable[[str], OrgVault]) -> None:
        self._sealed = sealed
        self._open = open_org
        self._org_vaults: dict[str, OrgVault] = {}
        self._lock = threading.Lock()

    def org_vault(self, org: str) -> OrgVault:
        """Open the reader of an org; raises NotFound (``org-unknown``)."""
        with self._lock:
            if org not in self._org_vaults:
                if not is_named(self._sealed.store, org) or org in self._shredded():
                    raise unknown_org(org)
                self._org_vaults[org] = self._open(org)
            return self._org_vaults[org]

    def oids(self) -> list[str]:
        """The oids of all orgs, including orgs whose chain is broken."""
        gone = self._shredded()
        return [org for org in named_orgs(self._sealed.store) if org not in gone]

    def identity(self, org: str) -> OrgIdentity:
        """The identity of an org, with the label in the newest commit."""
        return self.org_vault(org).identity()

    def identities(self) -> Mapping[str, OrgIdentity]:
        """The identities of all orgs. One that is broken or foreign must not hide the others.

        Of an org whose chain is broken it is the first identity. A name that no key of the vault
        opens is left out: a stranger put it there, or all keys of the org are lost, which a
        verification reports.
        """
        known = ((org, self._known_identity(org)) for org in self.oids())
        return {org: identity for org, identity in known if identity is not None}

    def _known_identity(self, org: str) -> OrgIdentity | None:
        with suppress(IntegrityError):
            return self.identity(org)
        with suppress(IntegrityError):
            return self.org_vault(org).first_identity()
        return None

    def _shredded(self) -> Collection[str]:
        return shredded_orgs(self._sealed.store, self._sealed.keys)


class EncryptedReader:
    """See the port ``unlost.model.ports.vault.VaultReader``. Safe to share between threads.

    ``hidden``: by org the columns that are not read.
    """

    def __init__(self, orgs: OpenOrgs, *, hidden: Mapping[str, HiddenColumns]) -> None:
        self._orgs = orgs
        self._hidden = hidden

    def orgs(self) -> Mapping[str, OrgIdentity]:
        """All orgs by oid, with the label in the newest commit."""
        return self._orgs.identities()

    def newest_backup(self, org: str) -> VaultSnapshot | None:
        """The newest backup, nightly or hourly; None if there is none."""
        backups = self.snapshots(org)
        return self.at(org, backups[-1].number) if backups else None

    def snapshots(self, org: str) -> Sequence[SnapshotInfo]:
        """All backups that were not forgotten, oldest first, including partial ones."""
        return tuple(shown_backups(self._orgs.org_vault(org).chain.live()))

    def commits(self, org: str) -> Sequence[SnapshotInfo]:
        """All commits, oldest first: backups, restores and all other kinds."""
        return tuple(self._orgs.org_vault(org).chain.live().commits.values())

    def at(self, org: str, number: int, *, forgotten: bool = False) -> VaultSnapshot:
        """The snapshot of this number.

        Raises NotFound (``snapshot-unknown``, ``snapshot-forgotten``). ``forgotten``: allow any
        commit, including commits whose versions were forgotten.
        """
        if not forgotten:
            _check_shown(self._orgs.org_vault(org).chain.live(), number)
        return VaultSnapshot(self._reader(org), number)

    def history(self, org: str, table: str, record: str) -> Sequence[Version]:
        """All versions of a record, oldest first; empty if the vault never saw it.

        Includes versions that differ from the one before only in hidden columns.
        """
        from unlost.vault.read.history import history

        return history(self._reader(org), table, record)

    def changes(self, org: str, table: str, *, after: int, until: int) -> Iterator[pa.Table]:
        """Compare two snapshots: ``_u_id`` and ``change`` (``ChangeKind``), by id.

        ``after`` 0 is the empty state before the first commit. Raises NotFound.
        """
        from unlost.vault.read.changes import changes

        reader = self._reader(org)
        for number in (after, until):
            if number:
                reader.chain.manifest(number)
                _check_shown(reader.chain.live(), number)
        return changes(reader, table, after=after, until=until)

    def search(
        self,
        org: str,
        text: str,
        *,
        limit: int = 20,
        former: bool = False,
        tables: Collection[str] | None = None,
        only: RecordFilter | None = None,
    ) -> SearchHits:
        """Records whose columns have words that begin with the words of the text, or with this id.

        ``former``: then records that once had such a value; this reads all of their versions.
        ``tables``: only their records. ``only``: of those with the words, only records that pass.
        """
        from unlost.model.vault.snapshot import SearchHits
        from unlost.vault.read.search import search

        newest = self.newest_backup(org)
        if newest is None:
            return SearchHits()
        return search(newest, text, limit=limit, former=former, tables=tables, only=only)

    def search_help(self, org: str, text: str = "", *, limit: int = 3) -> SearchHelp:
        """The state of the search index, and texts that find something for one that does not."""
        from unlost.vault.read.search import state_of_index

        newest = self.newest_backup(org)
        if newest is None:
            return SearchHelp(SearchIndexState(0, 0))
        if not text or limit < 1:
            return SearchHelp(state_of_index(newest))
        from unlost.vault.read.suggest import suggest  # needs a library that nothing else needs

        return SearchHelp(state_of_index(newest), tuple(suggest(newest, text, limit=limit)))

    def open_file(self, org: str, blob: str) -> AbstractContextManager[BinaryIO]:
        """A stored file's bytes; raises NotFound (``file-unknown``)."""
        reader = self._reader(org)
        return reader.open_blob(blob, until=reader.chain.live().seq)

    def journals(self, org: str, *, unfinished: bool = False) -> Sequence[str]:
        """Runs that have a journal: runs with a commit in its order, then the others.

        ``unfinished``: only the others.
        """
        from unlost.vault.write.journal import journals

        return journals(self._orgs.org_vault(org), unfinished=unfinished)

    def lineage(
        self,
        org: str,
        *,
        table: str | None = None,
        records: Sequence[str] = (),
        lives: Sequence[str] = (),
        superseded: bool = False,
    ) -> Sequence[Lineage]:
        """The live records that stand for records of this org: the newest row of each, by id.

        With ``table`` and ``records`` (old ids), only their rows are read, and the rows that lead
        on from them are included. Otherwise all rows are read; with ``lives``, only rows that lead
        to one of them are returned. ``superseded``: older rows of each, too.
        """
        from unlost.vault.read.lineage import lineage

        return lineage(
            self._reader(org),
            targets=self._orgs.oids(),
            table=table,
            records=records,
            lives=lives,
            superseded=superseded,
        )

    def past_operations[P: (PastErasure, PastSalvage)](
        self, org: str, kind: type[P]
    ) -> tuple[P, ...]:
        """List the operations of this kind that were applied, oldest first.

        If columns are hidden, facts that name columns are left out.
        """
        from unlost.vault.maintenance.past_operations import past_operations

        every = past_operations(self._orgs.org_vault(org), kind)
        if not self._hidden.get(org):
            return every
        shown = (operation.without_columns() for operation in every)
        return tuple(operation for operation in shown if operation is not None)

    def _reader(self, org: str) -> OrgReader:
        org_vault, hidden = self._orgs.org_vault(org), self._hidden.get(org)
        return org_vault.visible(hidden) if hidden else org_vault


def _check_shown(state: LiveState, number: int) -> None:
    """Raise NotFound for a commit that is no longer shown.

    After a forgetting, only the backups that were kept are shown.
    """
    info = state.commits.get(number)
    if info is None or not state.forgotten:
        return
    if number in state.forgotten or info.kind is not CommitKind.BACKUP:
        raise NotFound(
            "snapshot-forgotten",
            "Backup {number} was forgotten under the retention rules."
            if info.kind is CommitKind.BACKUP
            else "Commit {number} is not a backup, and its data may have been forgotten.",
            next_step="Choose another backup. List the backups with `unlost snapshots ORG`.",
            number=number,
        )
