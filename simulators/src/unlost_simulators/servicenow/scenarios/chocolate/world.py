"""The company as rows of an instance: keys of the company become sys_ids by arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost_simulators.company.columns import chosen, instants
from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.company.times import DAY, OPENING_SECONDS
from unlost_simulators.servicenow.model import ids

USER, COMPANY, CONTACT, SERVICE = "sys_user", "customer_account", "customer_contact", "service"
INTEGRATION = "import"

type Cells = Mapping[str, pa.Array]


def by_number(table: str, numbers: pa.Array) -> pa.Array:
    """Give sys_ids by the numbers in texts such as ``001042``; null stays null."""
    present = pc.fill_null(pc.cast(numbers, pa.int64()), 0).to_numpy(zero_copy_only=False)
    return pc.if_else(
        pc.is_valid(numbers), ids.generated(table, present), pa.scalar(None, pa.string())
    )


def users(numbers: pa.Array) -> pa.Array:
    """Give the sys_ids of employees by their numbers."""
    return by_number(USER, numbers)


def accounts(numbers: pa.Array) -> pa.Array:
    """Give the sys_ids of customers by their numbers."""
    return by_number(COMPANY, numbers)


def computers(serials: pa.Array) -> pa.Array:
    """Give the sys_ids of computers by their serial numbers."""
    return by_number("cmdb_ci_computer", pc.utf8_slice_codeunits(serials, 2))


def by_name(table: str, names: pa.Array, known: Sequence[str]) -> pa.Array:
    """Give the sys_ids of written-out rows by their names; null stays null."""
    places = pc.index_in(names, pa.array(known, pa.string()))
    return pa.array([ids.fixed(table, name) for name in known], pa.string()).take(places)


def coded(labels: pa.Array, codes: Mapping[str, str]) -> pa.Array:
    """Give the stored values of labels."""
    places = pc.index_in(labels, pa.array(list(codes), pa.string()))
    return pa.array(list(codes.values()), pa.string()).take(places)


def stamped(seed: int, table: str, numbers: Numbers, created: pa.Array, by: str) -> Cells:
    """Give the columns of the platform; the last update lies up to two days after the creation."""
    rows = Rows(seed, f"stamps {table}", numbers)
    begun = created.cast(pa.int64()).to_numpy(zero_copy_only=False) // 1_000
    later = begun + rows.below("later", 2 * DAY)
    updated = np.maximum(begun, np.minimum(later, OPENING_SECONDS))
    name = chosen([by], np.zeros(len(numbers), dtype=np.int64))
    return {
        "sys_created_on": created,
        "sys_created_by": name,
        "sys_updated_on": instants(updated),
        "sys_updated_by": name,
        "sys_mod_count": pa.array(rows.below("updates", 9)),
    }


def same(value: str, numbers: Numbers) -> pa.Array:
    """Give a column with the same text in every row."""
    return chosen([value], np.zeros(len(numbers), dtype=np.int64))
