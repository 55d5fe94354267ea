"""Counts of the records and versions that an erasure removes from each table."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.vault.erasure_proof import TableErased
from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import U_ID, U_OP, U_SNAP
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import last_of_each


def versions_of(org_vault: OrgVault, state: LiveState, table: str, ids: pa.Array) -> pa.Table:
    """Read all versions of records, with their operations, by id and oldest first."""
    return org_vault.view(table, until=state.seq, state=state).find(ids, (U_OP,))


def erased_of(table: str, rows: pa.Table) -> TableErased:
    """Count the records and versions that leave a table."""
    newest = rows.filter(pa.array(last_of_each(rows.column(U_ID))))
    alive = pc.sum(pc.equal(newest.column(U_OP), "U")).as_py() or 0
    return TableErased(table, len(newest), len(rows), alive)


def erased_at(rows: Mapping[str, pa.Table], seq: int) -> Iterator[TableErased]:
    """Count the records and versions as of a commit, by table; ``rows``: all versions by table."""
    for table, versions in rows.items():
        known = versions.filter(pc.less_equal(versions.column(U_SNAP), seq))
        if len(known):
            yield erased_of(table, known)
