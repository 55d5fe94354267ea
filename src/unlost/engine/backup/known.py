"""The vault's knowledge of an org when a backup begins."""

from collections.abc import Mapping, Sequence

from unlost.engine.backup.plan import KnownState
from unlost.model.finding import FindingKind
from unlost.model.ports.vault import Snapshot, Vault
from unlost.model.vault.certificate import TableLine
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo, TableState, nights

NIGHTS_EXAMINED = 60
UNKNOWN_RIGHTS = "unknown"


def known_state(vault: Vault, org: str, previous: Snapshot | None) -> KnownState:
    """The facts that a plan needs; none for a new org."""
    if previous is None:
        return KnownState()
    schema, states = previous.schema(), dict(previous.tables())
    backups = [info for info in vault.commits(org) if info.kind is CommitKind.BACKUP]
    known = [night for night in nights(backups) if night.number <= previous.info.number]
    # Reading a schema is one more request: unbounded, each backup would start slower than the last.
    examined = known[-NIGHTS_EXAMINED:]
    rights = [
        vault.at(org, night.number, forgotten=True).schema().fingerprint for night in examined[:-1]
    ]
    rights.append(schema.fingerprint)  # between two nights nothing is read under other rights
    cut = len(examined) < len(known)
    return KnownState(
        schema,
        states,
        {name: rights_since(state, examined, rights, cut=cut) for name, state in states.items()},
        _hidden_columns(previous),
        _unread_files(lines_of(vault, org, previous)),
        len(known),
    )


def lines_of(vault: Vault, org: str, snapshot: Snapshot | None) -> dict[str, TableLine]:
    """The newest line of each table as of a snapshot, by table."""
    certificate = snapshot.certificate() if snapshot is not None else None
    if certificate is None:
        return {}
    night = (
        vault.at(org, certificate.rests_on, forgotten=True)
        if certificate.rests_on is not None
        else None
    )
    return lines_of(vault, org, night) | {line.table: line for line in certificate.tables}


def rights_since(
    state: TableState, examined: Sequence[SnapshotInfo], rights: Sequence[str], *, cut: bool
) -> frozenset[str]:
    """Fingerprints of the runs since a table's census, including the run of the census.

    ``cut``: earlier runs exist that were not examined; a census among them leaves doubt.
    """
    at = state.census_at
    before = [i for i, night in enumerate(examined) if at is not None and night.as_of <= at]
    doubt = {UNKNOWN_RIGHTS} if cut and not before else set()
    return frozenset(rights[before[-1] if before else 0 :]) | doubt


def _hidden_columns(previous: Snapshot) -> dict[str, frozenset[str]]:
    by_table: dict[str, set[str]] = {}
    for mark in previous.hidden():
        if mark.column is not None:
            by_table.setdefault(mark.table, set()).add(mark.column)
    return {table: frozenset(columns) for table, columns in by_table.items()}


def _unread_files(lines: Mapping[str, TableLine]) -> frozenset[str]:
    return frozenset(
        table
        for table, line in lines.items()
        if any(finding.kind is FindingKind.FILE_UNREADABLE for finding in line.findings)
    )
