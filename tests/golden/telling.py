"""All that a vault tells, as values that stand in JSON: by our own code, and by the second reader.

Nights are told by the ids that were alive and deleted then, records by their versions, each with its cells as far as
they are not empty. Texts of more than 200 characters stand as their length and SHA-256.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from second_reader.reader import Org, Vault
from second_reader.rowhash import row_hash
from unlost.model.source.reading import Op
from unlost.model.vault.erasure import PastErasure
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.keys.founding import vault_format
from unlost.vault.keys.register import shredded_orgs
from unlost.vault.vault import EncryptedVault

QUERIES = ("000007", "zoe.7@chocolate.example", "zoe.3@chocolate.example", "Chocolat", "Nord")
LONG = 200
FILE_TABLE, FILE_COLUMN = "ContentVersion", "VersionData"

type Told = dict[str, Any]


def shown(text: str | bytes) -> str:
    """The text itself, or its length and digest."""
    data = text.encode() if isinstance(text, str) else text
    if len(data) <= LONG:
        return data.decode()
    return f"{len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}"


def cells(row: Mapping[str, str | None]) -> dict[str, str]:
    """Those that are not empty, by name."""
    named = {name: cell for name, cell in sorted(row.items()) if not name.startswith("_u_")}
    return {name: shown(cell) for name, cell in named.items() if cell is not None}


def told(vault: EncryptedVault) -> Told:
    """Everything, by our own code."""
    gone = shredded_orgs(vault.sealed.store, vault.sealed.keys)
    return {
        "format": vault_format(vault.sealed.store),
        "shredded": {org: f"{proof.commits} commits, {proof.at}" for org, proof in gone.items()},
    } | {
        org: {
            "commits": [f"{one.number} {one.kind} {one.run}" for one in vault.commits(org)],
            "nights": {str(night): _night(vault, org, night) for night in nights(vault, org)},
            "records": {table: _records(vault, org, table) for table in tables(vault, org)},
            "files": {str(night): _files(vault, org, night) for night in nights(vault, org)},
            "search": {text: _found(vault, org, text) for text in QUERIES},
            "journals": {
                run: [shown(entry) for entry in vault.journal(org, run).read()]
                for run in vault.journals(org)
            },
            "lineage": {row.old: row.live for row in vault.lineage(org)},
            "erased": [
                f"{one.proof.run}: {one.proof.tables[0].table} {one.proof.tables[0].records}"
                for one in vault.past_operations(org, PastErasure)
            ],
        }
        for org in vault.orgs()
    }


def nights(vault: EncryptedVault, org: str) -> list[int]:
    """The numbers of the backups that are shown."""
    return [one.number for one in vault.snapshots(org) if one.kind is CommitKind.BACKUP]


def tables(vault: EncryptedVault, org: str) -> list[str]:
    """The source tables of an org."""
    return [one for one in vault.at(org, nights(vault, org)[-1]).tables() if one[0] != "$"]


def _night(vault: EncryptedVault, org: str, night: int) -> Told:
    snapshot = vault.at(org, night)
    return {
        table: {
            "alive": snapshot.scan(table).read_all().column("_u_id").to_pylist(),
            "deleted": snapshot.scan_deleted(table).read_all().column("_u_id").to_pylist(),
        }
        for table in tables(vault, org)
    }


def _records(vault: EncryptedVault, org: str, table: str) -> Told:
    shown_nights = nights(vault, org)
    ids = {
        one
        for night in shown_nights
        for scan in (vault.at(org, night).scan, vault.at(org, night).scan_deleted)
        for one in scan(table).read_all().column("_u_id").to_pylist()
    }
    return {
        record: [
            {"in": version.snapshot, "op": str(version.op)} | cells(version.cells)
            for version in vault.history(org, table, record)
        ]
        for record in sorted(ids)
    }


def _files(vault: EncryptedVault, org: str, night: int) -> Told:
    snapshot = vault.at(org, night)
    ids = snapshot.scan(FILE_TABLE).read_all().column("_u_id").to_pylist()
    found = {}
    for stored in snapshot.files(FILE_TABLE, ids):
        with vault.open_file(org, stored.blob) as stream:
            found[stored.record] = shown(stream.read())
    return dict(sorted(found.items()))


def _found(vault: EncryptedVault, org: str, text: str) -> list[str]:
    return sorted(f"{hit.table} {hit.record}" for hit in vault.search(org, text))


def scanned(vault: EncryptedVault, org: str, night: int, table: str) -> dict[str, dict[str, str]]:
    """The cells of the records that were alive, as a whole scan tells them."""
    rows = vault.at(org, night).scan(table).read_all().to_pylist()
    return {row["_u_id"]: cells(row) for row in rows}


def in_force(org: Told, night: int, table: str) -> dict[str, dict[str, str]]:
    """The same by what is expected: the newest version of each record that was alive."""
    alive = org["nights"][str(night)][table]["alive"]
    newest = {
        record: [one for one in org["records"][table][record] if one["in"] <= night][-1]
        for record in alive
    }
    return {
        record: {name: cell for name, cell in one.items() if name not in ("in", "op")}
        for record, one in newest.items()
    }


def cells_that_count(
    row: Mapping[str, Any], columns: Mapping[str, Told]
) -> dict[str, tuple[str, str | None]]:
    """What goes into a row's hash: kind and cell by name."""
    return {
        name: (column["kind"], row.get(name))
        for name, column in columns.items()
        if not column.get("volatile")
    }


class ByReader:
    """The same by who knows the format document alone."""

    def __init__(self, vault: Vault, org: str) -> None:
        self.org = Org(vault, org)
        held = {one["table"] for one in self.org.manifests[-1]["states"]}
        self._read = {name: self.org.versions(name, len(self.org.manifests)) for name in held}

    def night(self, night: int) -> dict[str, list[str]]:
        """The ids that were alive, by table."""
        return {table: list(self.org.live(table, night)) for table in self._read}

    def hashes(self, table: str) -> list[tuple[bytes, bytes]]:
        """Of each version the row hash that stands there, and that which follows from its cells."""
        columns = self.org.described(table)
        return [
            (row["_u_row_hash"], row_hash(cells_that_count(row, columns)))
            for rows in self.org.versions(table, len(self.org.manifests)).values()
            for row in rows
        ]

    def version(self, table: str, record: str, number: int) -> Told:
        """What the version that a commit brought says of a record."""
        (row,) = [one for one in self._read[table][record] if one["snapshot"] == number]
        own = {name: cell for name, cell in row.items() if name != "snapshot"}
        return {"in": number, "op": str(Op(row["_u_op"]))} | cells(own)

    def file(self, record: str, night: int) -> str:
        """What a file held."""
        return shown(self.org.file(FILE_TABLE, record, FILE_COLUMN, night))

    def journal(self, run: str) -> list[str]:
        """The entries of a run."""
        return [shown(entry) for entry in self.org.journal(run)]
