"""A scenario for measurements: 300 tables, of which people change 20.

A third of the tables are classes below one table; `scale` multiplies the 100 rows of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from unlost_simulators.company.columns import digits, instants, joined
from unlost_simulators.company.draws import Rows
from unlost_simulators.company.times import DAY, created_at
from unlost_simulators.company.world import runs
from unlost_simulators.kit.sqlite import Where
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.columns import TableDef
from unlost_simulators.servicenow.model.platform import instant, number, text
from unlost_simulators.servicenow.scenarios.chocolate import setup
from unlost_simulators.servicenow.scenarios.chocolate.acts import writer_of
from unlost_simulators.servicenow.scenarios.chocolate.declared import TABLES
from unlost_simulators.servicenow.scenarios.chocolate.people import Tables
from unlost_simulators.servicenow.scenarios.chocolate.scenario import ChocolateScenario
from unlost_simulators.servicenow.scenarios.chocolate.world import INTEGRATION, same, stamped
from unlost_simulators.servicenow.simulator import Act
from unlost_simulators.servicenow.store.store import Slice

ROWS, CLASSES = 100, 3
ROOT = "u_line_000"
NAMES = tuple(f"u_line_{place:03d}" for place in range(300))
"""Every third one extends the first."""
CHANGED = NAMES[5::14][:20]
"""The 20 tables in which people change a record; seven of them are classes."""


def _table(name: str, place: int) -> TableDef:
    columns = (text("u_name", "Name", display=True), number("u_kilos", "Kilograms"),
               instant("u_mixed", "Mixed"), text("u_remark", "Remark", 1_000))  # fmt: skip
    extends = ROOT if place and place % CLASSES == 0 else ""
    return TableDef(
        name=name, label=f"Line {place}", extends=extends, extendable=name == ROOT,
        columns=() if extends else columns,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BenchTables(ChocolateScenario):
    """300 tables beside those of the platform and of `chocolate`, which have set-up rows alone."""

    name: str = "bench-tables"

    def declared(self) -> Sequence[TableDef]:
        """All tables."""
        return (*TABLES, *(_table(name, place) for place, name in enumerate(NAMES)))

    def acts(self) -> Mapping[str, Act]:
        """The work of a day."""
        return {"change-tables": change_tables}

    def tables(self, *, scale: int, seed: int) -> Tables:
        """Give the rows; ``scale``: hundreds of rows in each table."""
        yield from setup.tables()
        for place, name in enumerate(NAMES):
            for numbers in runs(ROWS * scale):
                rows = Rows(seed, name, numbers)
                # The last updates are up to two days later, and no backup reads them again.
                mixed = instants(created_at(rows, days=500) - 3 * DAY)
                cells = {
                    "sys_id": ids.generated(name, numbers),
                    "u_name": joined("Batch ", digits(numbers, 6)),
                    "u_kilos": pa.array(rows.below("kilos", 900)),
                    "u_mixed": mixed,
                    "u_remark": rows.pick("remark", ("rustig", "zu warm", "粘り強い", "ok")),
                    **stamped(seed, name, numbers, mixed, INTEGRATION),
                }
                if place % CLASSES == 0:
                    cells["sys_class_name"] = same(name, numbers)
                yield name, pa.table(cells)


def change_tables(instance: Instance) -> Mapping[str, Any]:
    """People change a record in each of 20 tables."""
    writer = writer_of(instance)
    for name in CHANGED:
        (row,) = instance.store.select(name, Where(), Slice(limit=1))
        writer.update(name, row["sys_id"], {"u_remark": "checked"})
    return {"updated": len(CHANGED)}
