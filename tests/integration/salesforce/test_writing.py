"""The write side against a real server: every way of writing, lost answers, looks."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from fakes.maker import Maker
from unlost.connectors.salesforce import SalesforceConfig, SalesforceConnector
from unlost.connectors.salesforce.writing.writer import SalesforceWriter
from unlost.model.bypass import Bypass, BypassState
from unlost.model.errors import Conflict, NotAllowed, SourceRefused, UsageError
from unlost.model.ports.source import Context
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Column, Table, WireKind
from unlost.model.source.writing import (
    DELETE_BLOCKED,
    DELETE_TOO_LARGE,
    NeverReason,
    OutcomeKind,
    ReferrerQuery,
    RowOutcome,
    WriteOp,
    WriteRow,
)
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import FreeBudget, MemorySecretStore, NullObserver

pytestmark = pytest.mark.network

ADMIN = "lotte.devos@chocolate.example"
OTHER = "kenji.mori@chocolate.example"
SECRET = "not-a-secret-writer"
HARD = WriteOp.HARD_DELETE


class Desk:
    """A writer, and short words for what a test does with it."""

    def __init__(self, maker: Maker, writer: SalesforceWriter) -> None:
        self.maker, self.writer = maker, writer
        self.tables: dict[str, Table] = {}

    def table(self, name: str) -> Table:
        if name not in self.tables:
            with self.maker.source(include=(name,)) as source:
                found = source.discover().table(name)
            assert found is not None
            self.tables[name] = found
        return self.tables[name]

    def write(self, op: WriteOp, name: str, *rows: WriteRow) -> list[RowOutcome]:
        return list(self.writer.write(op, self.table(name), rows, token="t"))

    def create(self, name: str, *cells: dict[str, str | None]) -> list[RowOutcome]:
        rows = [WriteRow(f"r{at}", None, one) for at, one in enumerate(cells)]
        return self.write(WriteOp.CREATE, name, *rows)

    def made(self, name: str, **cells: str | None) -> str:
        (outcome,) = self.create(name, cells)
        assert outcome.kind is OutcomeKind.DONE, outcome
        assert outcome.id is not None
        return outcome.id

    def row(self, name: str, record: str) -> dict[str, str | None]:
        table = self.table(name)
        columns = [c.name for c in table.columns if c.kind is not WireKind.BINARY]
        rows = self.writer.fetch(table, [record], columns=columns)
        assert rows.cells is not None
        (found,) = rows.cells.to_pylist()
        return dict(found)


@contextmanager
def opened(maker: Maker, *, client: str = "writer-tests") -> Iterator[SalesforceWriter]:
    config = SalesforceConfig(login_url=maker.sim.url, client_id=client)
    context = Context(
        VirtualClock(),
        SeededEntropy(),
        MemorySecretStore({"client_secret": SECRET}),
        FreeBudget(),
        NullObserver(),
    )
    with SalesforceConnector().open_writer(config, context) as writer:
        yield writer


@pytest.fixture
def desk(maker: Maker) -> Iterator[Desk]:
    maker.admin.post("apps", consumer_key="writer-tests", consumer_secret=SECRET, run_as=ADMIN)
    with opened(maker) as writer:
        yield Desk(maker, writer)


# --- bypass ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bypass",
    [
        Bypass("permission-set", "Quiet"),
        Bypass("custom-setting", "Shop_Floor_Settings__c.Weekend_Shift__c"),
    ],
    ids=str,
)
def test_a_second_write_user_switches_off_what_the_first_left_on(
    desk: Desk, bypass: Bypass
) -> None:
    maker, second = desk.maker, desk.writer
    if bypass.kind == "permission-set":
        maker.admin.post("records/insert", object="PermissionSet",
                         rows=[{"Name": "Quiet", "Label": "Quiet"}])  # fmt: skip
    maker.admin.post("apps", consumer_key="first", consumer_secret=SECRET, run_as=OTHER)
    maker.admin.post("access/permission", username=OTHER, permission="AssignPermissionSets",
                     granted=True)  # fmt: skip
    with opened(maker, client="first") as first:
        user, before = first.user_id(), first.bypass(bypass)
        first.set_bypass(bypass, BypassState(on=True, stored=True))
        assert first.bypass(bypass).on
    assert user != second.user_id()
    assert (second.bypass(bypass).on, second.bypass(bypass, user=user).on) == (False, True)
    second.set_bypass(bypass, before, user=user)
    assert second.bypass(bypass, user=user) == before


# --- small sets -----------------------------------------------------------------------------------


def test_rows_are_written_one_by_one_and_told_in_order(desk: Desk) -> None:
    outcomes = desk.create(
        "Account", {"Name": "One"}, {"Name": None}, {"Name": "Three", "NumberOfEmployees": "7"}
    )
    assert [one.kind for one in outcomes] == [
        OutcomeKind.DONE,
        OutcomeKind.FAILED,
        OutcomeKind.DONE,
    ]
    assert outcomes[1].native == "REQUIRED_FIELD_MISSING"
    assert outcomes[1].columns == ("Name",)
    assert outcomes[1].next_step
    assert desk.row("Account", str(outcomes[2].id))["NumberOfEmployees"] == "7"


def test_more_rows_than_a_call_takes_go_in_several(desk: Desk) -> None:
    before = len(desk.maker.live("Account"))
    outcomes = desk.create("Account", *({"Name": f"Many {at}"} for at in range(230)))
    assert all(one.kind is OutcomeKind.DONE for one in outcomes)
    assert len({one.id for one in outcomes}) == 230
    assert len(desk.maker.live("Account")) == before + 230


def test_an_update_sets_and_clears_and_leaves_the_rest(desk: Desk) -> None:
    record = desk.made("Account", Name="Candy", Phone="1", Website="w.example")
    (outcome,) = desk.write(WriteOp.UPDATE, "Account", WriteRow("k", record, {"Phone": None}))
    assert outcome.kind is OutcomeKind.DONE
    row = desk.row("Account", record)
    assert (row["Phone"], row["Website"]) == (None, "w.example")


def test_what_is_deleted_comes_out_of_the_bin_with_its_id(desk: Desk) -> None:
    record = desk.made("Account", Name="Candy")
    (deleted,) = desk.write(WriteOp.DELETE, "Account", WriteRow("k", record))
    (back,) = desk.write(WriteOp.UNDELETE, "Account", WriteRow("k", record))
    (again,) = desk.write(WriteOp.UNDELETE, "Account", WriteRow("k", record))
    assert (deleted.kind, back.kind, back.id) == (OutcomeKind.DONE, OutcomeKind.DONE, record)
    assert again.native == "UNDELETE_FAILED"


def test_an_expired_session_is_renewed_for_the_bin_too(desk: Desk) -> None:
    record = desk.made("Account", Name="Candy")
    desk.write(WriteOp.DELETE, "Account", WriteRow("k", record))
    desk.maker.admin.post("sessions/expire", username=ADMIN)
    (back,) = desk.write(WriteOp.UNDELETE, "Account", WriteRow("k", record))
    assert back.kind is OutcomeKind.DONE


# --- many rows ------------------------------------------------------------------------------------


def test_many_rows_go_as_a_job_and_find_their_ids_again(desk: Desk) -> None:
    names = [f"Bulk {at}" for at in range(700)]
    rows = [{"Name": name, "AccountNumber": "same", "Description": 'a "b",\nc'} for name in names]
    rows.append({"Name": "x" * 300, "AccountNumber": "too long", "Description": None})
    outcomes = desk.create("Account", *rows)
    assert [one.kind for one in outcomes[:-1]] == [OutcomeKind.DONE] * 700
    assert outcomes[-1].native == "STRING_TOO_LONG"
    held = desk.writer.fetch(
        desk.table("Account"), [str(one.id) for one in outcomes[:-1]], columns=["Name"]
    )
    assert held.cells is not None
    found = dict(zip(held.ids.to_pylist(), held.cells.column("Name").to_pylist(), strict=True))
    assert [found[str(one.id)] for one in outcomes[:-1]] == names


def test_what_a_job_cannot_carry_goes_by_rest(desk: Desk) -> None:
    long = "y" * 20_000 + "\r\nend"
    rows: list[dict[str, str | None]] = [{"Name": f"R{at}", "Phone": None} for at in range(650)]
    rows += [{"Name": "#N/A"}, {"Name": "Long", "Description": long}]
    outcomes = desk.create("Account", *rows)
    assert all(one.kind is OutcomeKind.DONE for one in outcomes)
    assert desk.row("Account", str(outcomes[-2].id))["Name"] == "#N/A"
    assert desk.row("Account", str(outcomes[-1].id))["Description"] == long


def test_a_job_clears_cells(desk: Desk) -> None:
    made = desk.create("Account", *({"Name": f"C{at}", "Phone": "1"} for at in range(601)))
    rows = [WriteRow(one.key, one.id, {"Phone": None}) for one in made]
    outcomes = desk.write(WriteOp.UPDATE, "Account", *rows)
    assert all(one.kind is OutcomeKind.DONE for one in outcomes)
    assert desk.row("Account", str(made[7].id))["Phone"] is None


@pytest.mark.parametrize("count", [8, 640])
def test_deletions_say_of_each_record_why_it_stays(desk: Desk, count: int) -> None:
    post = desk.maker.admin.post
    made = desk.create("Account", *({"Name": f"D{at}"} for at in range(count)))
    rows = [WriteRow(one.key, one.id) for one in made]
    locked, held, large, gone, purged = (str(row.id) for row in rows[:5])
    case = desk.made("Case", AccountId=held)
    for at in range(3):
        desk.made("Contact", LastName=f"c{at}", AccountId=large)
    desk.write(WriteOp.DELETE, "Account", WriteRow("k", gone))
    post("records/hard-delete", object="Account", ids=[purged])
    post("settings", most_cascaded=3)
    post("faults", kind="row_locked", method="DELETE", records=[locked])
    outcomes = desk.write(WriteOp.DELETE, "Account", *rows)
    assert [(one.kind.value, one.code, one.retry) for one in outcomes[:5]] == [
        ("failed", "write-refused", True),
        ("failed", DELETE_BLOCKED, False),
        ("failed", DELETE_TOO_LARGE, False),
        ("done", "", False),
        ("done", "", False),
    ]
    assert str(desk.row("Case", case)["CaseNumber"]) in outcomes[1].sentence
    assert all(one.kind is OutcomeKind.DONE for one in outcomes[5:])
    again = desk.write(WriteOp.DELETE, "Account", *rows)
    assert [one.kind.value for one in again[:3]] == ["done", "failed", "failed"]
    assert all(one.kind is OutcomeKind.DONE for one in again[3:])


@pytest.mark.parametrize("count", [3, 640])
def test_a_hard_delete_leaves_nothing_in_the_bin(desk: Desk, count: int) -> None:
    permit_hard_deletes(desk, granted=True)
    made = desk.create("Account", *({"Name": f"H{at}"} for at in range(count)))
    desk.made("Contact", LastName="Along", AccountId=str(made[0].id))
    desk.writer.check_hard_delete()
    rows = [WriteRow(one.key, one.id) for one in made]
    assert all(one.kind is OutcomeKind.DONE for one in desk.write(HARD, "Account", *rows))
    assert all(one.kind is OutcomeKind.DONE for one in desk.write(HARD, "Account", *rows))
    (back,) = desk.write(WriteOp.UNDELETE, "Account", rows[0])
    assert back.native == "UNDELETE_FAILED"


def test_a_permission_that_is_lost_between_two_hard_deletes_stops_the_second(desk: Desk) -> None:
    permit_hard_deletes(desk, granted=True)
    first, second = desk.made("Account", Name="First"), desk.made("Account", Name="Second")
    desk.write(HARD, "Account", WriteRow("k", first))
    permit_hard_deletes(desk, granted=False)
    with pytest.raises(NotAllowed):
        desk.writer.check_hard_delete()
    with pytest.raises(NotAllowed) as refused:
        desk.write(HARD, "Account", WriteRow("k", second))
    assert refused.value.code == "write-no-hard-delete"
    assert desk.row("Account", second)["Name"] == "Second"


def permit_hard_deletes(desk: Desk, *, granted: bool) -> None:
    desk.maker.admin.post("access/permission", username=ADMIN, permission="BulkApiHardDelete",
                          granted=granted)  # fmt: skip


# --- files ----------------------------------------------------------------------------------------


def test_a_file_is_streamed_with_its_record(desk: Desk) -> None:
    data = bytes(range(256)) * 9_000
    row = WriteRow("k", None, {"Title": "Plan „ä“", "PathOnClient": "Plan „ä“.bin"})
    outcome = desk.writer.upload(desk.table("ContentVersion"), row, io.BytesIO(data), token="t")
    assert outcome.kind is OutcomeKind.DONE, outcome
    assert desk.row("ContentVersion", str(outcome.id))["ContentSize"] == str(len(data))
    wrong = WriteRow("k", None, {"Title": "no path"})
    refused = desk.writer.upload(desk.table("ContentVersion"), wrong, io.BytesIO(b"x"), token="t")
    assert refused.kind is OutcomeKind.FAILED
    with pytest.raises(UsageError):
        desk.writer.upload(desk.table("Account"), row, io.BytesIO(b"x"), token="t")


# --- answers that do not come ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["reply_lost", "unavailable_after"])
def test_an_answer_that_is_lost_is_told_and_not_asked_for_again(desk: Desk, kind: str) -> None:
    table = desk.table("Account")
    before = len(desk.maker.live("Account"))
    desk.maker.fault(kind=kind, method="POST", path="composite/sobjects")
    outcomes = desk.writer.write(
        WriteOp.CREATE, table, [WriteRow("k", None, {"Name": f"Lost {kind}"})], token="t"
    )
    assert outcomes[0].kind is OutcomeKind.UNKNOWN
    assert len(desk.maker.live("Account")) == before + 1


def test_what_this_user_made_since_then_is_found(desk: Desk) -> None:
    since = desk.writer.server_time() - timedelta(seconds=1)
    record = desk.made("Topic", Name="found again")
    table = desk.table("Topic")
    rows = desk.writer.recent(table, since, columns=["Name"], sent=[])
    assert record in rows.ids.to_pylist()
    desk.writer.settle(table, since=since)
    bare = Table("ContentDocumentLink", (Column("Id", WireKind.ID),))
    with pytest.raises(SourceRefused):
        desk.writer.recent(bare, since, columns=["Id"], sent=[])


@pytest.mark.parametrize(("method", "words"), [("POST", 1), ("PATCH", 50)])
def test_a_job_that_is_still_under_way_is_waited_for(desk: Desk, method: str, words: int) -> None:
    """Jobs with little data are sent in one call, others in three."""
    since = desk.writer.server_time() - timedelta(seconds=1)
    table = desk.table("Account")
    desk.maker.fault(kind="reply_lost", method=method, path="jobs/ingest")
    cells = [{"Name": f"{method} {at}", "Description": "word " * words + "."} for at in range(601)]
    rows = [WriteRow(f"r{at}", None, one) for at, one in enumerate(cells)]
    outcomes = desk.writer.write(WriteOp.CREATE, table, rows, token="t")
    assert {one.kind for one in outcomes} == {OutcomeKind.UNKNOWN}
    desk.writer.settle(table, since=since)
    held = [row for row in desk.maker.live("Account") if str(row["Name"]).startswith(f"{method} ")]
    assert len(held) == 601


# --- looks ----------------------------------------------------------------------------------------


def test_keys_are_found_whatever_their_case(desk: Desk) -> None:
    record = desk.made("Account", Name="Keyed", Customer_Number__c="K-77a")
    table = desk.table("Account")
    found = desk.writer.find(table, ("Customer_Number__c",), [("k-77A",), ("none",)])
    assert found == {("k-77A",): record}
    desk.create("Account", {"Name": "Twin", "AccountNumber": "9"}, {"Name": "Twin"})
    with pytest.raises(Conflict):
        desk.writer.find(table, ("Name",), [("Twin",)])


def test_what_refers_to_records_is_found_table_by_table(desk: Desk) -> None:
    account, other = desk.made("Account", Name="Candy"), desk.made("Account", Name="Sweets")
    contacts = [desk.made("Contact", LastName=n, AccountId=account) for n in ("Ann", "Ben")]
    task = desk.made("Task", Subject="Call", Status="Completed", WhatId=other)
    queries = [
        ReferrerQuery(desk.table("Contact"), "AccountId", [account, other]),
        ReferrerQuery(desk.table("Task"), "WhatId", [account, other]),
        ReferrerQuery(desk.table("Case"), "AccountId", [account, other]),
        ReferrerQuery(desk.table("Contact"), "NoSuchColumn", [account]),
    ]
    found = desk.writer.referrers(queries)
    assert [rows is None for rows in found] == [False, False, False, True]
    told = [dict(pairs(rows)) for rows in found if rows is not None]
    assert told == [dict.fromkeys(contacts, account), {task: other}, {}]
    (alone,) = desk.writer.referrers(queries[:1])
    assert alone is not None
    assert dict(pairs(alone)) == told[0]


def pairs(rows: Rows) -> list[tuple[str, str]]:
    """Records and what their only column holds."""
    assert rows.cells is not None
    return list(zip(rows.ids.to_pylist(), rows.cells.column(0).to_pylist(), strict=True))


def test_columns_that_the_org_has_no_more_are_left_out_of_looks(desk: Desk) -> None:
    record = desk.made("Account", Name="Candy")
    rows = desk.writer.fetch(desk.table("Account"), [record], columns=["Name", "Gone__c"])
    assert rows.cells is not None
    assert rows.cells.schema.names == ["Name"]


# --- what may be written --------------------------------------------------------------------------


def test_capabilities_tell_what_comes_back(desk: Desk) -> None:
    account = desk.writer.capability(desk.table("Account"))
    assert account.allows(WriteOp.CREATE)
    assert account.audit
    assert "Name" in account.needs_value
    reasons = {never.column: never.reason for never in account.never}
    assert reasons["SystemModstamp"] is NeverReason.SYSTEM
    assert any("Customer_Number__c" in key.columns for key in account.keys)
    case = desk.writer.capability(desk.table("Case"))
    assert {n.column: n.reason for n in case.never}["CaseNumber"] is NeverReason.AUTO_NUMBER
    order = desk.writer.capability(desk.table("Order"))
    assert [(late.column, late.born) for late in order.late] == [("Status", "Draft")]
    history = desk.writer.capability(desk.table("AccountHistory"))
    assert not history.ops
    assert history.reason


def test_missing_permissions_are_named(desk: Desk, maker: Maker) -> None:
    table = desk.table("Account")
    assert list(desk.writer.missing([table])) == []
    denied = [("Account", deed) for deed in ("create", "edit")]
    for name, deed in denied:
        maker.admin.post("access/deny", username=ADMIN, object=name, deed=deed)
    try:
        with opened(maker) as narrow:
            lacking = [one.permission for one in narrow.missing([table])]
    finally:
        for name, deed in denied:
            maker.admin.post("access/allow", username=ADMIN, object=name, deed=deed)
    assert lacking == ["Create on Account", "Edit on Account"]


def test_the_writer_knows_its_org(desk: Desk) -> None:
    with desk.maker.source() as source:
        assert desk.writer.identity().same_org(source.identity())
