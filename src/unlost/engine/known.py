"""What the vault holds of an org when a backup begins."""

from collections.abc import Sequence

from unlost.engine.plan import Known
from unlost.model.finding import FindingKind
from unlost.model.ports import Snapshot, Vault
from unlost.model.snapshot import SnapshotInfo, TableState

NIGHTS_LOOKED_AT = 60
UNKNOWN_RIGHTS = "unknown"


def known_of(vault: Vault, org: str, base: Snapshot | None) -> Known:
    """What a plan needs to know; nothing on first sight."""
    if base is None:
        return Known()
    schema, states = base.schema(), dict(base.tables())
    nights = [n for n in vault.snapshots(org) if n.number <= base.info.number]
    looked = nights[-NIGHTS_LOOKED_AT:]
    rights = [vault.at(org, night.number).schema().fingerprint for night in looked[:-1]]
    rights.append(schema.fingerprint)
    cut = len(looked) < len(nights)
    return Known(
        schema,
        states,
        {name: rights_since(state, looked, rights, cut=cut) for name, state in states.items()},
        _hidden_columns(base),
        _unread_files(base),
        len(nights),
    )


def rights_since(
    state: TableState, nights: Sequence[SnapshotInfo], rights: Sequence[str], *, cut: bool
) -> frozenset[str]:
    """Fingerprints of the nights since a table's census, its own night included.

    ``cut``: earlier nights exist that were not looked at; a census among them leaves doubt.
    """
    at = state.census_at
    before = [i for i, night in enumerate(nights) if at is not None and night.as_of <= at]
    doubt = {UNKNOWN_RIGHTS} if cut and not before else set()
    return frozenset(rights[before[-1] if before else 0 :]) | doubt


def _hidden_columns(base: Snapshot) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for mark in base.hidden():
        if mark.column is not None:
            found.setdefault(mark.table, set()).add(mark.column)
    return {table: frozenset(columns) for table, columns in found.items()}


def _unread_files(base: Snapshot) -> frozenset[str]:
    certificate = base.certificate()
    lines = certificate.tables if certificate is not None else ()
    return frozenset(
        line.table
        for line in lines
        if any(finding.kind is FindingKind.FILE_UNREADABLE for finding in line.findings)
    )
