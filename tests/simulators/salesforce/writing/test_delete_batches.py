"""A batch of deletions in one transaction leaves what 200 rows at a time would leave."""

import random
from pathlib import Path

import pyarrow as pa
import pytest

from simulators.salesforce.writing.record_writer import NOW, OBJECTS, WRITER
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.bulk import ingest_run
from unlost_simulators.salesforce.bulk.ingest_habits import IngestHabits
from unlost_simulators.salesforce.bulk.ingest_run import IngestOrder, Load, Operation, Outcome
from unlost_simulators.salesforce.bulk.render import CsvForm
from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.store import database

SHOPS = 60
TABLES = ("Account", "Contact", "Case", "Score__c", "Task", "AccountShare", "OpportunityLineItem")
REGISTERS = ("_bin", "_nulled", "_deleted")


def keys(prefix: str, rows: int) -> list[str]:
    return [ids.make(prefix, ids.FIRST_COUNTER + n) for n in range(rows)]


def random_org(seed: int, *, related: float) -> Org:
    """Accounts with children of all rules; a share of the accounts and contacts hang together."""
    luck = random.Random(seed)
    org = Org(OBJECTS, [WRITER], clock=VirtualClock(NOW))
    shops, contacts, cases = keys("001", SHOPS), keys("003", 90), keys("500", 20)

    def some(parents: list[str], rows: int, share: float) -> list[str | None]:
        return [luck.choice(parents) if luck.random() < share else None for _ in range(rows)]

    columns = {
        "Account": {"Id": shops, "Name": ["a"] * SHOPS, "ParentId": some(shops, SHOPS, related)},
        "Contact": {
            "Id": contacts, "LastName": ["c"] * 90, "AccountId": some(shops, 90, 0.9),
            "ReportsToId": some(contacts, 90, related),
        },
        "Case": {"Id": cases, "AccountId": some(shops, 20, 0.2)},
        "Score__c": {"Case__c": some(cases, 30, 1.0)},
        "Task": {"Subject": ["t"] * 60, "WhatId": some([*shops, *cases], 60, 0.8)},
        "AccountShare": {"AccountId": some(shops, 40, 1.0)},
        "OpportunityLineItem": {"Case__c": some(cases, 40, 1.0)},
    }  # fmt: skip
    for name, table in columns.items():
        org.store.load(
            name, pa.table({field: pa.array(cells, pa.string()) for field, cells in table.items()})
        )
    return org


def delete_by_job(org: Org, folder: Path, of: str, seed: int) -> dict[int, Outcome]:
    """Delete two thirds of an object's rows in an order of chance."""
    rows = org.export(of)["Id"].to_pylist()
    random.Random(seed).shuffle(rows)
    path = folder / "upload.csv"
    path.write_text("Id\n" + "".join(f"{key}\n" for key in rows[: 2 * len(rows) // 3]))
    order = IngestOrder(Operation.DELETE, of, WRITER.id, "66.0", CsvForm())
    load = Load(org, order, path, IngestHabits(), "seed")
    load.run(None, go_on=lambda: True)
    return load.outcomes


def state(org: Org) -> dict[str, list[tuple[object, ...]]]:
    """All rows, and the store's registers of deletions."""
    tables = {name: org.export(name, deleted=True).to_pylist() for name in TABLES}
    known = {name: [tuple(row.values()) for row in rows] for name, rows in tables.items()}
    cursor = org.store.cursor()
    for register in REGISTERS:
        rows = database.arrow(cursor, f"SELECT * FROM {register}").to_pylist()
        known[register] = sorted(tuple(map(str, row.values())) for row in rows)
    return known


@pytest.mark.parametrize("related", [0.0, 0.2])
@pytest.mark.parametrize("of", ["Account", "Contact", "Case"])
@pytest.mark.parametrize("seed", range(2))
def test_both_ways_leave_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str, seed: int, related: float
) -> None:
    monkeypatch.setattr(ingest_run, "BATCH_ROWS", 25)
    monkeypatch.setattr(ingest_run, "CHUNK_ROWS", 4)
    together, apart = (random_org(seed, related=related) for _ in range(2))
    outcomes = delete_by_job(together, tmp_path, of, seed)
    monkeypatch.setattr(ingest_run, "independent", lambda *_: False)
    assert delete_by_job(apart, tmp_path, of, seed) == outcomes
    assert state(together) == state(apart)
    assert any(outcome.error is None for outcome in outcomes.values())
    for org in (together, apart):
        org.close()
