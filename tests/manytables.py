"""A vault of an org with several tables, of which few rows come at a time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import pytest

from smallvault import COLUMNS, IDENTITY, Row, SmallVault, rows
from unlost.model.plan import RecordKey
from unlost.model.source.schema import Column, Schema, Table, WireKind
from unlost.model.vault.snapshot import (
    Added,
    CommitKind,
    SegmentEntry,
    SnapshotInfo,
    TableCommit,
    VerifyLevel,
)
from unlost.testing.clock import START
from unlost.vault.layout import object_names
from unlost.vault.maintenance import compactor
from unlost.vault.maintenance.rewrite.tiers import Tier
from unlost.vault.vault import VaultOptions
from unlost.vault.write.open_commit import OpenCommit

TABLES = ("Alpha", "Beta", "Delta", "Gamma")
WIDE = Table("Wide", tuple(Column(f"N{n:03d}", WireKind.TEXT) for n in range(100)))
SCHEMA = Schema(
    (*(Table(name, tuple(COLUMNS.values()), name_column="Name") for name in TABLES), WIDE), "f"
)
GONE = RecordKey("Alpha", "alpha-record-1")


@dataclass
class ManyTables:
    """A vault of an org with several tables."""

    small: SmallVault = field(
        default_factory=lambda: SmallVault(options=VaultOptions(bundle_from=2))
    )

    def begin(self, run: str) -> OpenCommit:
        """Begin a backup of all tables."""
        commit = self.small.vault.begin(
            self.small.org, run=run, kind=CommitKind.BACKUP, identity=IDENTITY
        )
        commit.put_schema(SCHEMA)
        return commit

    def night(self, run: str, seen: Mapping[str, list[Row]]) -> SnapshotInfo:
        """One whole backup in which little changed."""
        commit = self.begin(run)
        pieces = [commit.add_few(name, [rows(*own)]) for name, own in seen.items()]
        return finish(commit, pieces, as_of=self.small.clock.now())

    def entries(self) -> list[SegmentEntry]:
        """All live segments."""
        return list(self.small.vault.org_vault(self.small.org).chain.live().entries())

    def bundles(self) -> set[str]:
        """The bundles that are live."""
        return {entry.bundle for entry in self.entries()} - {""}

    def objects(self) -> set[str]:
        """What lies among the segments."""
        folder = object_names.segments(self.small.org)
        return {listed.name for listed in self.small.store.list(folder)}

    def names(self, number: int) -> dict[str, dict[str, str]]:
        """What each table showed of its records' names, by id."""
        at = self.small.vault.at(self.small.org, number)
        return {
            table: {row["_u_id"]: row["Name"] for row in at.scan(table).read_all().to_pylist()}
            for table in TABLES
        }

    def damages(self) -> object:
        """What a deep look finds wrong."""
        return self.small.vault.verify(VerifyLevel.DEEP).damages


def finish(commit: OpenCommit, pieces: list[Added], *, as_of: datetime = START) -> SnapshotInfo:
    return commit.finish([TableCommit(one.table, (one,)) for one in pieces], as_of=as_of)


def named(table: str, name: str, *, count: int = 3) -> list[Row]:
    """Rows of a table, all with this name."""
    ids = (f"{table.lower()}-record-{n}" for n in range(count))
    return [(one, "U", {"Name": f"{name}{n}"}) for n, one in enumerate(ids)]


def all_named(name: str, *tables: str) -> dict[str, list[Row]]:
    return {table: named(table, name) for table in tables or TABLES}


def shown(name: str) -> dict[str, dict[str, str]]:
    return {
        table: {f"{table.lower()}-record-{n}": f"{name}{n}" for n in range(3)} for table in TABLES
    }


def stored(added: Added) -> Added:
    """A piece as a run remembers it."""
    return msgspec.convert(json.loads(msgspec.json.encode(added)), Added)


def compact(many: ManyTables, run: str, *tables: str) -> None:
    """Merge all of these tables, and nothing else."""

    def due(tiers: Sequence[Tier], *, closed: object) -> list[Sequence[Tier]]:
        mine = tiers[1:] and tiers[0].segments[0].entry.table in tables
        return [tiers] if mine else []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compactor, "due", due)
        many.small.vault.compact(many.small.org, run=run)
