"""Counting of the records of a table."""

import numpy as np
import pyarrow.compute as pc

from unlost.vault.format.physical import U_ID, U_OP
from unlost.vault.read.merge import key_rows, newest_of_each
from unlost.vault.read.table_view import TableView


def count_records(view: TableView) -> tuple[int, int]:
    """Count live and deleted records."""
    alive = dead = 0
    for rows in key_rows(view, (U_ID, U_OP)):
        ops = newest_of_each(rows).column(U_OP)
        updates = int(np.count_nonzero(pc.equal(ops, "U").to_numpy()))
        alive, dead = alive + updates, dead + len(ops) - updates
    return alive, dead
