"""Readers and writers at the same time: nobody waits for long, nobody sees half a write."""

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from unlost_simulators.salesforce.model import fields as f
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org


def test_readers_see_whole_writes(org: Org, backup: SimUser) -> None:
    org.store.load("Account", pa.table({"Name": pa.array(["0"] * 5000)}))
    soql = "SELECT Name, COUNT(Id) n FROM Account GROUP BY Name"

    def write(number: int) -> None:
        org.update_where(backup, "Account", None, {"Name": str(number)})

    def read(_: int) -> list[tuple[str, int]]:
        return [(one["Name"], one["n"]) for one in org.query(backup, soql).records(0, 10)]

    with ThreadPoolExecutor(6) as pool:
        writes = [pool.submit(write, number) for number in range(1, 15)]
        seen = [one.result() for one in [pool.submit(read, n) for n in range(60)]]
        for one in writes:
            one.result()
    assert all(len(one) == 1 and one[0][1] == 5000 for one in seen)


def test_many_writers_lose_nothing(org: Org, backup: SimUser) -> None:
    (made,) = org.insert(backup, "Account", [{"Name": "0", "NumberOfEmployees": 0}])

    def insert(number: int) -> list[str]:
        org.update(backup, "Account", {made: {"AnnualRevenue": number}})
        return org.insert(backup, "Contact", [{"LastName": f"{number}"} for _ in range(3)])

    with ThreadPoolExecutor(8) as pool:
        ids = [one for batch in pool.map(insert, range(40)) for one in batch]
    assert len(set(ids)) == 120
    assert org.holds("Contact").live == 120
    assert org.holds("AccountHistory").live == 40


def test_schema_changes_under_queries(org: Org, backup: SimUser) -> None:
    org.store.load("Account", pa.table({"Name": pa.array(["x"] * 2000)}))

    def change(number: int) -> None:
        org.add_field("Account", f.text(f"F{number}__c"))
        org.drop_field("Account", f"F{number}__c")

    def read(_: int) -> int:
        return org.query(backup, "SELECT FIELDS(ALL) FROM Account LIMIT 200").total

    with ThreadPoolExecutor(4) as pool:
        changes = [pool.submit(change, number) for number in range(10)]
        assert {one.result() for one in [pool.submit(read, n) for n in range(30)]} == {200}
        for one in changes:
            one.result()
