"""The vault's knowledge of an org when a backup begins."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from unlost.engine.backup.clocks import states_not_ahead
from unlost.engine.backup.plan import KnownState
from unlost.engine.backup.rights import UNKNOWN, RightsHistory
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.ports.vault import Snapshot, Vault
from unlost.model.source.reading import Cursor
from unlost.model.vault.certificate import TableLine
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo, TableState, nights

NIGHTS_EXAMINED = 60


def known_state(
    vault: Vault,
    org: str,
    previous: Snapshot | None,
    *,
    newest: Snapshot | None = None,
    latest: datetime,
) -> KnownState:
    """The facts that a plan needs; none for a new org. ``latest``: the later of both clocks.

    ``newest``: the newest state, if it is not that of the previous backup.
    """
    if previous is None:
        return KnownState()
    schema = previous.schema()
    backups = [
        info
        for info in vault.commits(org)
        if info.kind is CommitKind.BACKUP and info.number <= previous.info.number
    ]
    states = states_not_ahead((newest or previous).tables(), vault, org, backups, latest=latest)
    known = nights(backups)
    # Reading a schema is one more request: unbounded, each backup would start slower than the last.
    examined = known[-NIGHTS_EXAMINED:]
    rights = [
        vault.at(org, night.number, forgotten=True).schema().grants() for night in examined[:-1]
    ]
    rights.append(schema.grants())  # between two nights nothing is read under other rights
    cut = len(examined) < len(known)
    return KnownState(
        schema,
        states,
        {name: rights_since(state, examined, rights, cut=cut) for name, state in states.items()},
        _hidden_columns(previous),
        _missing_files(lines_of(vault, org, previous)),
        len(known),
        _nightly_cursors(vault, org, previous, known),
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
    state: TableState,
    examined: Sequence[SnapshotInfo],
    rights: Sequence[Mapping[str, frozenset[str]]],
    *,
    cut: bool,
) -> RightsHistory:
    """The rights of the runs since a table's census, including the run of the census.

    ``cut``: earlier runs exist that were not examined; a census among them leaves doubt.
    """
    at = state.census_at
    before = [i for i, night in enumerate(examined) if at is not None and night.as_of <= at]
    doubt = [UNKNOWN] if cut and not before else []
    since = rights[before[-1] if before else 0 :]
    of_table = [grants[state.table] for grants in since if state.table in grants]
    return RightsHistory.of([*of_table, *doubt] or [UNKNOWN])


def _nightly_cursors(
    vault: Vault, org: str, previous: Snapshot, known: Sequence[SnapshotInfo]
) -> dict[str, Cursor]:
    # A salvage can lose the nightly backup on which an hourly one rests.
    behind = previous.info.partial and known
    snapshot = vault.at(org, known[-1].number, forgotten=True) if behind else previous
    states = snapshot.tables().items()
    return {name: state.cursor for name, state in states if state.cursor is not None}


def _hidden_columns(previous: Snapshot) -> dict[str, frozenset[str]]:
    by_table: dict[str, set[str]] = {}
    for mark in previous.hidden():
        if mark.column is not None:
            by_table.setdefault(mark.table, set()).add(mark.column)
    return {table: frozenset(columns) for table, columns in by_table.items()}


def _missing_files(lines: Mapping[str, TableLine]) -> dict[str, tuple[Finding, ...]]:
    """The gaps; images that the org itself does not have are notes, and are not read again."""
    return {
        table: tuple(
            f
            for f in line.findings
            if f.kind is FindingKind.FILE_UNREADABLE and f.severity is Severity.GAP
        )
        for table, line in lines.items()
    }
