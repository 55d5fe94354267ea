"""An opened vault, its orgs, and their snapshots, for programs."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

import zstandard

from unlost.engine.moments import parse_past, resolve
from unlost.engine.records.history import Event
from unlost.engine.records.search import MOST, find
from unlost.engine.records.story import story
from unlost.library.opening import VaultOpening, opened, opening
from unlost.library.table import ReadableTable
from unlost.model.errors import NotFound, UsageError
from unlost.model.org import OrgIdentity
from unlost.model.vault.snapshot import SearchHit, SnapshotInfo
from unlost.outside.source import table_called, table_source
from unlost.vault.read.snapshot import VaultSnapshot
from unlost.vault.stores.address import BucketOptions, read_address
from unlost.vault.vault import EncryptedVault

_LARGEST = 1 << 31  # bytes of a home's data


def open_vault(
    path: str | Path,
    *,
    key_file: str | Path | None = None,
    passphrase: str | None = None,
    recovery: str | Path | None = None,
    endpoint: str = "",
    region: str = "",
    hosted: bool = False,
    ca_file: str | Path | None = None,
    credentials_file: str | Path | None = None,
) -> "ReadableVault":
    """Open the vault at ``path`` for reading only; it needs no home and no database.

    ``path`` is a folder, ``s3://BUCKET/PATH`` or ``az://CONTAINER/PATH``; the parameters after
    ``recovery`` configure access to a bucket, as the options of ``unlost init`` do.

    Exactly one way to open it must be given: the service key's file, a passphrase, or the recovery
    sheet (its text, or the ``Path`` of a file that holds it). Raises NotFound (``vault-missing``),
    NotAllowed (``key-missing``, ``key-wrong`` and others), UsageError (``way-in-unclear``,
    ``store-address-invalid``), StoreError, IntegrityError.

    Without a home a removed newest backup cannot be detected: compare ``ReadableSnapshot.head``
    with the head that a certificate or ``unlost snapshots`` printed.
    """
    ca, credentials_path = (
        Path(file_name).absolute() if file_name else None
        for file_name in (ca_file, credentials_file)
    )
    reach = BucketOptions(endpoint, region, hosted, ca, credentials_path)
    place = read_address(str(path), reach=reach, base=Path.cwd())
    way = opening(place, key_file=key_file, passphrase=passphrase, recovery=recovery)
    return ReadableVault(way, opened(way))


@dataclass(frozen=True)
class ReadableVault:
    """An opened vault."""

    _opening: VaultOpening
    _vault: EncryptedVault

    def __repr__(self) -> str:
        return f"Vault({self._opening})"

    def orgs(self) -> list[str]:
        """The names of the orgs, from the copy of a home in the vault, else their labels."""
        names = _names(self._vault)
        return sorted(_name(oid, who, names) for oid, who in self._vault.orgs().items())

    def org(self, name: str) -> "ReadableOrg":
        """An org by its name, label or tenant id; raises NotFound (``org-unknown``)."""
        names, known = _names(self._vault), self._vault.orgs()
        for name_of in (
            lambda oid, who: _name(oid, who, names),
            lambda _, who: who.label,
            lambda _, who: who.tenant,
            lambda oid, _: oid,
        ):
            oids = [oid for oid, who in known.items() if name_of(oid, who) == name]
            # A name that several orgs share falls through to the next, more exact kind of name.
            if len(oids) == 1:
                return ReadableOrg(self._opening, self._vault, oids[0], name, known[oids[0]])
        every = [_name(oid, who, names) for oid, who in known.items()]
        near = get_close_matches(name, every, n=3, cutoff=0.5) or sorted(every)
        raise NotFound(
            "org-unknown",
            "The vault has no org named {name!r}.",
            next_step="Use one of: {near}." if near else "Start a backup first.",
            near=", ".join(near),
            name=name,
        )


@dataclass(frozen=True)
class ReadableOrg:
    """A protected org. ``zone`` is the time zone of its days."""

    _opening: VaultOpening
    _vault: EncryptedVault
    _oid: str
    name: str
    identity: OrgIdentity

    def __repr__(self) -> str:
        return f"Org({self.name!r})"

    def snapshots(self) -> list[SnapshotInfo]:
        """All backups, oldest first."""
        return list(self._vault.snapshots(self._oid))

    def at(self, moment: str | int | datetime = "latest") -> "ReadableSnapshot":
        """The backup of a moment: ``latest``, a number, a date, or an instant with its zone.

        A date is the last backup before the end of that day in the org's zone. Raises NotFound
        (``snapshot-unknown``, ``no-backup-yet``), UsageError (``moment-unreadable``).
        """
        # ``bool`` is an ``int``: True would otherwise mean backup 1.
        if isinstance(moment, bool):
            raise UsageError("moment-unreadable", "True and False are not backups.")
        words = moment.isoformat() if isinstance(moment, datetime) else str(moment)
        past = parse_past(words, zone=self.identity.zone)
        number = resolve(past, self._vault.snapshots(self._oid)).number
        return ReadableSnapshot(self._opening, self._oid, self._vault.at(self._oid, number))

    def find(self, text: str, *, former: bool = False, limit: int = MOST) -> list[SearchHit]:
        """Records by the beginning of a number, name, e-mail, phone or id, the best first.

        ``former``: also by values that they once had. This takes longer: all versions of every
        record that ever had one of the words are read.
        """
        results = find(self._vault, text, orgs=[self._oid], limit=limit, former=former)
        return [result.hit for result in results]

    def history(self, table: str, record: str) -> list[Event]:
        """All changes of a record, the oldest first, under each id that restores gave it.

        ``record`` is any of its ids. Raises NotFound (``record-unknown``).
        """
        return list(story(self._vault, self._oid, table, record))


@dataclass(frozen=True)
class ReadableSnapshot:
    """An org at the time of one backup."""

    _opening: VaultOpening
    _oid: str
    _snapshot: VaultSnapshot

    def __repr__(self) -> str:
        return f"Snapshot({self.number}, {self.as_of:%Y-%m-%dT%H:%M:%SZ})"

    @property
    def number(self) -> int:
        """Its number."""
        return self._snapshot.info.number

    @property
    def as_of(self) -> datetime:
        """The source's clock when the backup began."""
        return self._snapshot.info.as_of

    @property
    def head(self) -> str:
        """The hash that proves it; certificates print its first 12 digits."""
        return self._snapshot.info.head

    def tables(self) -> list[str]:
        """The tables that the vault holds of it."""
        return sorted(name for name in self._snapshot.tables() if not name.startswith("$"))

    def table(self, name: str, *, typed: bool = False) -> ReadableTable:
        """A table, its columns verbatim text, or values with ``typed``.

        Raises NotFound (``table-unknown``).
        """
        called = table_called(self._snapshot.schema(), self.tables(), name)
        source = table_source(self._snapshot, called, as_values=typed)
        return ReadableTable(self._opening, self._oid, source)


def _name(oid: str, who: OrgIdentity, names: Mapping[str, str]) -> str:
    return names.get(oid) or who.label or who.tenant


def _names(vault: EncryptedVault) -> dict[str, str]:
    """Names by oid, from the newest copy of a home's data in the vault; a vault may have none."""
    copy = vault.homes.newest()
    if copy is None:
        return {}
    content = zstandard.decompress(copy, max_output_size=_LARGEST)
    with closing(sqlite3.connect(":memory:")) as database:
        # In memory: no data of the home are written to this machine's disk.
        database.deserialize(content)
        return dict(database.execute("SELECT oid, name FROM catalog_org"))
