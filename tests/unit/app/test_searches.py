"""Whatever a person has in hand finds the record among the first three."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from fakes.salesforce import describe, field, system_fields
from homes import MemoryConnector, World
from unlost.app.actions.records.find import find
from unlost.app.records.search.found_records import FoundRecord
from unlost.catalog.orgs.orgs import get_org
from unlost.connectors.salesforce.ids import candidates, long_id
from unlost.connectors.salesforce.schema.tables import table_of
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Schema
from unlost.model.vault.snapshot import CommitKind, TableCommit
from unlost.testing.clock import START

DATA = tomllib.loads((Path(__file__).parent / "searches.toml").read_text("utf-8"))
BEST = 3
NUMBERS = {"CaseNumber", "OrderNumber"}
NATIVE = {"Email": "email", "SuppliedEmail": "email", "Phone": "phone", "MobilePhone": "phone"}
NATIVE |= {"Website": "url"}
DETAILS = ("AccountHistory", "OrderItem")

type Records = Mapping[str, Mapping[str, str]]


def record_id(handle: str) -> str:
    return long_id(f"001{handle.title():0<12}"[:15])


def fields_of(records: Records) -> list[dict[str, object]]:
    names = dict.fromkeys(name for cells in records.values() for name in cells)
    return [
        field(name, NATIVE.get(name, "string"))
        | {"length": 255, "nameField": name in {"Name", "Subject"} | NUMBERS}
        | {"autoNumber": name in NUMBERS, "externalId": name == "Customer_Number__c"}
        for name in names
    ]


def rows_of(records: Records) -> Rows:
    names = list(dict.fromkeys(name for cells in records.values() for name in cells))
    ids = sorted(records)
    cells = pa.table({n: pa.array([records[i].get(n) for i in ids], pa.string()) for n in names})
    (batch,) = cells.combine_chunks().to_batches()
    return Rows(
        ids=pa.array(ids),
        ops=pa.array(["U"] * len(ids)),
        modified_at=pa.nulls(len(ids), pa.timestamp("ms", tz="UTC")),
        modified_by=pa.nulls(len(ids), pa.string()),
        cells=batch,
        observed_at=START,
    )


def others(table: str) -> dict[str, Mapping[str, str]]:
    """Records that have some of the same words and digits."""
    if table == "Account":
        return {
            record_id(f"Other{n}"): {
                "Name": f"Sonnenberg {n} GmbH",
                "Customer_Number__c": f"004{n:04d}0",
                "BillingCity": "Leipzig",
                "Phone": f"+49 341 99{n:05d}",
            }
            for n in range(400, 700)
        }
    if table in DETAILS:
        return {
            record_id(f"{table[:4]}{n}"): {"Name": text}
            for n, text in enumerate(
                ["Sonnenschein Leipzig", "40017", "Sohne", "Grossmann", "1042", "ショコラ"]
            )
        }
    return {}


def write(world: World) -> None:
    """One backup of the records and of others."""
    org = get_org("sales")
    tables: dict[str, Records] = {
        table: {record_id(handle): cells for handle, cells in records.items()} | others(table)
        for table, records in {**DATA["records"], **{name: {} for name in DETAILS}}.items()
    }
    shapes = [
        table_of(describe(name, *system_fields(), *fields_of(records)), {})
        for name, records in tables.items()
    ]
    commit = world.vault.begin(org.oid, run="r", kind=CommitKind.BACKUP, identity=org.identity)
    commit.put_schema(Schema(tuple(shapes), "f"))
    added = [
        TableCommit(name, (commit.add(name, [rows_of(records)]),))
        for name, records in tables.items()
    ]
    commit.finish(added, as_of=START)


@pytest.fixture
def world(sales: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(MemoryConnector, "record_ids", lambda _, text: candidates(text))
    write(sales)
    return sales


def place(hits: Sequence[FoundRecord], handle: str) -> int:
    """The number of the hit with this record, from 0; many if there is none."""
    wanted = record_id(handle)
    return next((n for n, hit in enumerate(hits) if hit.record == wanted), 99)


def missed(world: World, texts: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The texts that do not find their record, with its place."""
    places = {
        f"{text} → {handle}": place(find(world.app, text).hits, handle) for handle, text in texts
    }
    return {text: number for text, number in places.items() if number >= BEST}


def test_a_text_finds_its_record(world: World) -> None:
    texts = [(handle, texts[0]) for handle, texts in DATA["queries"].items()]
    assert missed(world, texts) == {}


@pytest.mark.full
def test_each_text_finds_its_record(world: World) -> None:
    texts = [(handle, text) for handle, texts in DATA["queries"].items() for text in texts]
    assert missed(world, texts) == {}
    assert len(texts) >= 150


def test_ids_and_addresses_of_pages(world: World) -> None:
    for handle in ("sonnenschein", "oezlem"):
        known = record_id(handle)
        for text in (
            known,
            known[:15],
            f"\u200b{known}",
            f"https://maison.lightning.force.com/lightning/r/Account/{known}/view",
            f"https://maison.my.salesforce.com/{known[:15]}",
        ):
            hits = find(world.app, text).hits
            assert [hit.record for hit in hits] == [known]
            assert hits[0].exact
