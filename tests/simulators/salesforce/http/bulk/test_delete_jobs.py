"""Jobs that delete: a batch is one transaction unless a test could see the difference."""

import pytest

from simulators.salesforce.http.loads import Load, count, numbered
from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.store.store import Store

BATCHES = "unlost_simulators.salesforce.bulk.ingest_run.BATCH_ROWS"
CHUNKS = "unlost_simulators.salesforce.bulk.ingest_run.CHUNK_ROWS"


@pytest.fixture
def small_batches(monkeypatch) -> None:
    monkeypatch.setattr(BATCHES, 40)
    monkeypatch.setattr(CHUNKS, 5)


@pytest.fixture
def transactions(monkeypatch) -> list[int]:
    """The number of rows of each deletion."""
    rows: list[int] = []
    remove = Store.remove

    def counted(self, of, chosen, *rest, **members):
        rows.append(len(chosen))
        return remove(self, of, chosen, *rest, **members)

    monkeypatch.setattr(Store, "remove", counted)
    return rows


def accounts(client, rows: int) -> list[str]:
    load = Load.run(client, "insert", numbered(rows))
    return [row["sf__Id"] for row in load.successful]


def listed(keys: list[str]) -> str:
    return "Id\n" + "".join(f"{key}\n" for key in keys)


def test_a_batch_of_unrelated_rows_goes_in_one_transaction(
    client, small_batches, transactions
) -> None:
    keys = accounts(client, 100)
    load = Load.run(client, "delete", listed(keys))
    assert (len(load.successful), sorted(transactions)) == (100, [20, 40, 40])
    assert count(client, "SELECT Id FROM Account WHERE Name LIKE 'Row%'") == 0


def test_rows_that_a_lock_may_strike_go_in_small_transactions(
    client, small_batches, transactions
) -> None:
    keys = accounts(client, 40)
    client.admin("faults", kind="row_locked", method="DELETE", path="bulk/delete", skip=2)
    load = Load.run(client, "delete", listed(keys))
    assert (len(load.failed), transactions) == (5, [5] * 7)
    assert {row["sf__Id"] for row in load.failed} == set(keys[10:15])


def test_rows_that_a_trigger_watches_go_in_small_transactions(
    client, small_batches, transactions
) -> None:
    keys = accounts(client, 40)
    client.admin(
        "rules/trigger", object="Account", deed="delete", on=["delete"], deletes="Contact", most=1
    )
    contacts = count(client, "SELECT Id FROM Contact")
    Load.run(client, "delete", listed(keys))
    assert [rows for rows in transactions if rows > 1] == [5] * 8
    assert count(client, "SELECT Id FROM Contact") == contacts - 8


def test_rows_that_move_by_polls_go_in_small_transactions(
    client, small_batches, transactions
) -> None:
    keys = accounts(client, 40)
    client.admin("bulk", ingest={"timing": {"rows_per_poll": 7}})
    load = Load.open(client, "delete")
    load.put(listed(keys))
    load.close()
    while load.info()["state"] == "InProgress":
        pass
    assert max(transactions) == 5


def test_rows_that_fail_in_a_whole_batch_say_why(client, sim, small_batches, transactions) -> None:
    keys = accounts(client, 40)
    user = sim.org.users.first()
    sim.org.delete(user, "Account", keys[3:4])
    lines = [*keys[:20], "nonsense", *keys[20:39], "001Dn0000000009IAA", keys[5]]
    load = Load.run(client, "delete", listed(lines))
    assert (len(load.successful), max(transactions)) == (38, 38)
    assert sorted(row["sf__Error"] for row in load.failed) == [
        "ENTITY_IS_DELETED:entity is deleted:--",
        "ENTITY_IS_DELETED:entity is deleted:--",
        "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--",
        "MALFORMED_ID:malformed id nonsense:--",
    ]


def test_hard_deleted_rows_are_in_the_log_of_deletions_alone(client, sim) -> None:
    user = sim.org.users.by_username("backup@small.example")
    sim.org.set_permission(user, Permission.BULK_HARD_DELETE, granted=True)
    (account,) = client.get("query?q=SELECT+Id+FROM+Account+LIMIT+1").json()["records"]
    mine = f"SELECT Id FROM Contact WHERE AccountId = '{account['Id']}'"
    contacts = count(client, mine)
    Load.run(client, "hardDelete", listed([account["Id"]]))
    for name, rows in (("Account", 1), ("Contact", contacts)):
        assert sim.org.holds(name).deleted == 0
        gone = client.get(
            f"sobjects/{name}/deleted/?start=2026-03-01T11:00:00Z&end=2026-03-01T12:05:00Z"
        ).json()
        assert len(gone["deletedRecords"]) == rows
    sim.org.set_permission(user, Permission.BULK_HARD_DELETE, granted=False)
    order = {"operation": "hardDelete", "object": "Account"}
    (refusal,) = client.post("jobs/ingest", order).json()
    assert refusal["errorCode"] == "FEATURENOTENABLED"
