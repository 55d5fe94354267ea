"""Traps of writing: what ServiceNow stores otherwise than asked, and what it hides from the writer."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import pytest

from fakes.instance import NARROW, RESTORE, ServedInstance, described
from unlost.connectors.servicenow import CONNECTOR
from unlost.connectors.servicenow.writing.writer import ServiceNowWriter
from unlost.model.bypass import AutomationKind
from unlost.model.errors import NotAllowed
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Schema, Table
from unlost.model.source.writing import (
    WRITE_REFUSED,
    Birth,
    NeverReason,
    OutcomeKind,
    ReferrerQuery,
    RowOutcome,
    WriteOp,
    WriteRow,
)

pytestmark = pytest.mark.network

LOST_ID = "0123456789abcdef0123456789abcdef"
CELLS = {"short_description": "No coffee"}


class WriteDesk:
    """A writer, and the tables as the backup user describes them."""

    def __init__(self, served: ServedInstance, writer: ServiceNowWriter, schema: Schema) -> None:
        self.served, self.writer, self.schema = served, writer, schema

    def table(self, name: str) -> Table:
        table = self.schema.table(name)
        assert table is not None
        return table

    def write(self, op: WriteOp, name: str, *rows: WriteRow) -> Sequence[RowOutcome]:
        return self.writer.write(op, self.table(name), rows, token="t")

    def create(
        self, name: str, cells: dict[str, str | None], record: str | None = None
    ) -> RowOutcome:
        (outcome,) = self.write(WriteOp.CREATE, name, WriteRow("k", record, cells))
        return outcome

    def update(self, name: str, record: str, cells: dict[str, str | None]) -> RowOutcome:
        (outcome,) = self.write(WriteOp.UPDATE, name, WriteRow("k", record, cells))
        return outcome


@contextmanager
def opened(
    served: ServedInstance, *tables: str, user: str = RESTORE, **settings: bool
) -> Iterator[WriteDesk]:
    """A desk for these tables, with facts about the instance as it is now."""
    with served.source(include=tables) as source:
        schema = source.discover()
    with served.writer(user, **settings) as writer:
        writer.prepare(schema.tables)
        yield WriteDesk(served, writer, schema)


def ids(rows: Rows) -> list[str]:
    return [str(each) for each in rows.ids.to_pylist()]


# --- identity -------------------------------------------------------------------------------------


def test_sys_id_and_number_are_kept_on_insert(served: ServedInstance) -> None:
    with opened(served, "incident") as desk:
        outcome = desk.create("incident", {**CELLS, "number": "INC0012345"}, LOST_ID)
    assert (outcome.kind, outcome.id) == (OutcomeKind.DONE, LOST_ID)
    (row,) = served.rows("incident", f"sys_id={LOST_ID}")
    assert (row["number"], row["short_description"]) == ("INC0012345", "No coffee")


def test_a_sys_id_that_was_not_kept_is_reported(served: ServedInstance) -> None:
    served.admin.post("settings", stray_ids=["problem"])
    with opened(served, "problem") as desk:
        outcome = desk.create("problem", CELLS, LOST_ID)
    assert outcome.kind is OutcomeKind.DONE
    assert outcome.id != LOST_ID
    assert served.rows("problem", f"sys_id={outcome.id}")


def test_a_class_that_was_changed_since_the_backup_is_not_written(served: ServedInstance) -> None:
    record = served.insert("incident", short_description="Moved")
    served.admin.post("records/reclass", table="incident", sys_id=record, to="problem")
    with opened(served, "incident", "problem") as desk:
        outcome = desk.create("incident", CELLS, record)
        assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "write-class-changed")
        assert "problem" in outcome.sentence
        assert desk.update("incident", record, CELLS).kind is OutcomeKind.FAILED
        capability = desk.writer.capability(desk.table("incident"))
    assert "sys_class_name" not in capability.settable | capability.changeable
    assert served.rows("problem", f"sys_id={record}")[0]["short_description"] == "Moved"


@pytest.mark.parametrize("existing", ["refused", "new_id"])
def test_a_hidden_record_with_the_id_is_not_doubled(served: ServedInstance, existing: str) -> None:
    record = served.insert("problem", short_description="Hidden")
    served.admin.post("settings", existing_id=existing)
    served.acl("problem", roles=[], condition=f"sys_id!={record}")
    count = len(served.rows("problem"))
    with opened(served, "problem") as desk:
        outcome = desk.create("problem", CELLS, record)
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, WRITE_REFUSED)
    assert "may not see" in outcome.sentence
    assert len(served.rows("problem")) == count


def test_a_hidden_record_does_not_count_as_deleted(served: ServedInstance) -> None:
    record = served.insert("problem", short_description="Hidden")
    served.acl("problem", roles=[], condition=f"sys_id!={record}")
    with opened(served, "problem") as desk:
        (hidden,) = desk.write(WriteOp.DELETE, "problem", WriteRow("k", record))
        (gone,) = desk.write(WriteOp.DELETE, "problem", WriteRow("k", LOST_ID))
    assert hidden.kind is OutcomeKind.FAILED
    assert gone.kind is OutcomeKind.DONE
    assert served.rows("problem", f"sys_id={record}")


@pytest.mark.parametrize("place", ["archive", "other class", "hidden class"])
def test_a_record_that_was_archived_or_reclassed_counted_as_deleted(
    served: ServedInstance, place: str
) -> None:
    record = served.insert("problem", short_description="Still here")
    if place == "archive":
        served.admin.post("records/archive", table="problem", query=f"sys_id={record}")
    else:
        served.admin.post("records/reclass", table="problem", sys_id=record, to="incident")
    if place == "hidden class":
        served.acl("incident")
    with opened(served, "problem") as desk:
        (outcome,) = desk.write(WriteOp.DELETE, "problem", WriteRow("k", record, {}))
    assert (outcome.kind, outcome.id) == (OutcomeKind.FAILED, record)
    words = {"archive": "archived", "other class": "incident", "hidden class": "may not see"}
    assert words[place] in outcome.sentence
    table = "ar_problem" if place == "archive" else "incident"
    assert served.rows(table, f"sys_id={record}")


def test_an_archived_record_is_live(served: ServedInstance) -> None:
    record = served.rows("problem")[0]["sys_id"]
    served.admin.post("records/archive", table="problem", query=f"sys_id={record}")
    with opened(served, "problem") as desk:
        rows = desk.writer.fetch(desk.table("problem"), [record, "no^id"], columns=["number"])
    assert ids(rows) == [record]


# --- answers that say more than they did ----------------------------------------------------------


def test_an_answer_without_a_body_is_confirmed_by_its_location(served: ServedInstance) -> None:
    served.acl("problem", roles=[], condition="short_description!=No coffee")
    with opened(served, "problem") as desk:
        outcome = desk.create("problem", CELLS)
    (row,) = served.rows("problem", "short_description=No coffee")
    assert (outcome.kind, outcome.id) == (OutcomeKind.DONE, row["sys_id"])


def test_a_choice_that_cannot_be_emptied_is_named(served: ServedInstance) -> None:
    record = served.insert("problem", priority="2", short_description="No tea")
    with opened(served, "problem") as desk:
        alone = desk.update("problem", record, {"priority": None})
        both = desk.update("problem", record, {"priority": None, **CELLS})
    assert (alone.kind, alone.code, alone.columns) == (
        OutcomeKind.FAILED, "write-not-saved", ("priority",),
    )  # fmt: skip
    assert (both.kind, both.columns) == (OutcomeKind.DONE, ("priority",))
    (row,) = served.rows("problem", f"sys_id={record}")
    assert (row["priority"], row["short_description"]) == ("2", "No coffee")


def test_an_encrypted_column_that_was_not_saved_is_named(served: ServedInstance) -> None:
    cells: dict[str, str | None] = {"u_name": "Mixer", "u_recovery": "sesame"}
    with opened(served, "u_credential") as desk:
        outcome = desk.create("u_credential", cells)
        assert (outcome.kind, outcome.columns) == (OutcomeKind.DONE, ("u_recovery",))
        served.admin.post("users", name=RESTORE, contexts=["plant secrets"])
        outcome = desk.create("u_credential", cells, LOST_ID)
        never = desk.writer.capability(desk.table("u_credential")).never
    assert (outcome.kind, outcome.columns) == (OutcomeKind.DONE, ())
    (row,) = served.rows("u_credential", f"sys_id={LOST_ID}")
    assert (row["u_name"], row["u_recovery"]) == ("Mixer", "sesame")
    assert [each.column for each in never if each.reason is NeverReason.SECRET] == ["u_password"]


def test_a_scope_that_became_global_is_named(served: ServedInstance) -> None:
    served.admin.post("schema/put-column", table="problem", name="sys_scope", label="Application")
    with opened(served, "problem") as desk:
        outcome = desk.create("problem", {**CELLS, "sys_scope": "x_app"})
    assert (outcome.kind, outcome.columns) == (OutcomeKind.DONE, ("sys_scope",))


def test_rows_that_a_batch_did_not_serve_may_be_sent_again(served: ServedInstance) -> None:
    with opened(served, "problem") as desk:
        served.admin.fault("unserviced", path="/v1/batch", rows=1)
        rows = [WriteRow(f"k{at}", None, {"short_description": f"Row {at}"}) for at in range(2)]
        first, second = desk.write(WriteOp.CREATE, "problem", *rows)
    assert first.kind is OutcomeKind.DONE
    assert (second.kind, second.retry) == (OutcomeKind.FAILED, True)
    assert not served.rows("problem", "short_description=Row 1")


@pytest.mark.parametrize("kind", ["cancelled_text", "cancelled_key"])
def test_a_batch_that_was_cancelled_may_have_effect(served: ServedInstance, kind: str) -> None:
    with opened(served, "problem") as desk:
        served.admin.fault(kind, path="/v1/batch")
        outcome = desk.create("problem", CELLS)
    assert outcome.kind is OutcomeKind.UNKNOWN


# --- rules and rights -----------------------------------------------------------------------------


def test_a_business_rule_refuses_one_row_and_is_named_before(served: ServedInstance) -> None:
    served.admin.post(
        "rules/write", name="Quality gate", table="task", operations=["insert"],
        condition="short_description=Bad",
    )  # fmt: skip
    with opened(served, "problem") as desk:
        rows = [WriteRow(text, None, {"short_description": text}) for text in ("Bad", "Good")]
        bad, good = desk.write(WriteOp.CREATE, "problem", *rows)
        automation = desk.writer.automation([desk.table("problem")])
    assert (bad.kind, good.kind) == (OutcomeKind.FAILED, OutcomeKind.DONE)
    assert "Quality gate" in bad.sentence
    assert "business rule" in bad.next_step
    (rule,) = automation.items
    assert (rule.kind, rule.name, rule.table) == (AutomationKind.TRIGGER, "Quality gate", "problem")


def test_automation_that_the_user_may_not_list_is_named(served: ServedInstance) -> None:
    served.admin.post(
        "rules/write", name="Quality gate", table="task", operations=["insert"], condition=""
    )
    served.acl("sys_script")
    with opened(served, "problem") as desk:
        automation = desk.writer.automation([desk.table("problem")])
    assert automation.unlisted == (AutomationKind.TRIGGER,)


def test_a_user_who_only_reads_misses_everything(served: ServedInstance) -> None:
    served.admin.post("users", name=RESTORE, roles=["admin", "snc_read_only"])
    role = served.rows("sys_user_role", "name=snc_read_only")[0]["sys_id"]
    user = served.rows("sys_user", f"user_name={RESTORE}")[0]["sys_id"]
    link = {"sys_id": LOST_ID, "user": user, "role": role, "state": "active"}
    served.admin.post("records/quiet-insert", table="sys_user_has_role", rows=[link])
    with opened(served, "problem") as desk:
        outcome = desk.create("problem", CELLS)
        (missing,) = desk.writer.missing([desk.table("problem")])
    assert outcome.kind is OutcomeKind.FAILED
    assert "role" in outcome.next_step
    assert (missing.table, missing.op) == (None, None)
    assert "snc_read_only" in missing.sentence


def test_a_write_user_lacked_permissions_for_tables_that_restores_never_write(
    served: ServedInstance,
) -> None:
    with opened(served) as desk:
        tables = desk.schema.tables
        missing = {(each.table, each.op) for each in desk.writer.missing(tables)}
    assert {"sys_audit", "sys_db_object", "sys_user"} <= {table.name for table in tables}
    assert missing == {("sys_journal_field", WriteOp.DELETE)}


def test_operations_and_columns_that_access_rules_refuse_are_missing(
    served: ServedInstance,
) -> None:
    served.acl("problem", "delete")
    served.acl("problem", "write", column="priority")
    served.acl("problem", "create", column="priority")
    with opened(served, "problem") as desk:
        (missing,) = desk.writer.missing([desk.table("problem")])
        capability = desk.writer.capability(desk.table("problem"))
    assert (missing.table, missing.op) == ("problem", WriteOp.DELETE)
    assert capability.ops == {WriteOp.CREATE, WriteOp.UPDATE}
    denied = {each.column for each in capability.never if each.reason is NeverReason.NO_PERMISSION}
    assert denied == {"priority"}
    with CONNECTOR.open_planning(served.config(), served.context()) as planning:
        planned = planning.capability(desk.table("problem"))
        assert planned.allows(WriteOp.DELETE)
        assert "priority" in planned.settable
        assert planning.missing([desk.table("problem")]) == ()


def test_a_restored_request_is_blocked_by_default(served: ServedInstance) -> None:
    tables = ("sc_request", "sc_req_item", "sys_audit", "sys_properties")
    with opened(served, *tables) as desk:
        for name in tables[:2]:
            capability = desk.writer.capability(desk.table(name))
            assert capability.ops == {WriteOp.UPDATE, WriteOp.DELETE}
            assert "approval" in capability.reason
        for name in tables[2:]:
            capability = desk.writer.capability(desk.table(name))
            assert (capability.birth, capability.ops) == (Birth.NEVER, frozenset())
            assert capability.reason
    with opened(served, "sc_request", create_requests=True) as desk:
        assert desk.writer.capability(desk.table("sc_request")).allows(WriteOp.CREATE)


def test_nothing_is_deleted_for_good_over_rest(served: ServedInstance) -> None:
    with opened(served, "problem") as desk:
        assert not desk.writer.capability(desk.table("problem")).allows(WriteOp.HARD_DELETE)
        with pytest.raises(NotAllowed):
            desk.write(WriteOp.HARD_DELETE, "problem", WriteRow("k", LOST_ID))


def test_a_table_that_was_removed_is_never_written(served: ServedInstance) -> None:
    with opened(served, "problem") as desk:
        capability = desk.writer.capability(Table("u_gone", ()))
        assert (capability.birth, capability.ops) == (Birth.NEVER, frozenset())
        assert "u_gone" in capability.reason
        assert desk.writer.missing([Table("u_gone", ())]) == []


def test_referring_records_that_may_be_hidden_are_unknown(served: ServedInstance) -> None:
    user = served.rows("sys_user")[0]["sys_id"]
    record = served.insert("incident", watch_list=f"{user},a@b.example", caller_id=user)
    with opened(served, "incident") as desk:
        table = desk.table("incident")
        queries = [ReferrerQuery(table, name, [user]) for name in ("watch_list", "caller_id")]
        for rows in desk.writer.referrers(queries):
            assert rows is not None
            assert record in ids(rows)
        served.acl("incident", roles=[], condition=f"sys_id!={record}")
        assert list(desk.writer.referrers(queries)) == [None, None]
        served.acl("incident")
        assert list(desk.writer.referrers(queries)) == [None, None]


def test_a_narrow_user_is_known_by_name(served: ServedInstance) -> None:
    with served.writer(NARROW) as writer:
        assert writer.user_id() == NARROW


# --- attachments and journals ---------------------------------------------------------------------


@pytest.mark.parametrize("hashes", [True, False])
def test_an_attachment_gets_a_new_id_and_is_proved(served: ServedInstance, hashes: bool) -> None:
    served.admin.post("settings", attachment_hashes=hashes)
    record = served.insert("problem", short_description="No coffee")
    cells = {"table_name": "problem", "table_sys_id": record, "file_name": "Ä ^OR=1.txt"}
    with opened(served, "problem", "sys_attachment") as desk:
        row = WriteRow("old", None, {**cells, "content_type": "text/plain"})
        outcome = desk.writer.upload(
            desk.table("sys_attachment"), row, io.BytesIO(b"beans"), token="t"
        )
        assert outcome.kind is OutcomeKind.DONE
        assert outcome.id
        empty = desk.create("sys_attachment", {**cells, "file_name": "empty"})
        assert empty.kind is OutcomeKind.DONE
        assert desk.update("sys_attachment", outcome.id, {"file_name": "b.txt"}).id == outcome.id
        nowhere = desk.create("sys_attachment", {**cells, "table_sys_id": LOST_ID})
        assert nowhere.kind is OutcomeKind.FAILED
    (file,) = served.rows("sys_attachment", f"sys_id={outcome.id}")
    assert (file["file_name"], file["size_bytes"]) == ("b.txt", "5")


def test_journal_entries_are_added_with_their_author_and_time(served: ServedInstance) -> None:
    record = served.insert("incident", short_description="No coffee")
    entry: dict[str, str | None] = {
        "name": "task", "element_id": record, "element": "work_notes", "value": "Two\nlines",
        "sys_created_by": "lotte", "sys_created_on": "2026-07-01 08:00:00",
    }  # fmt: skip
    with opened(served, "incident", "sys_journal_field") as desk:
        journal, since = desk.table("sys_journal_field"), desk.writer.server_time()
        outcome = desk.create("sys_journal_field", entry)
        no_column = desk.create("sys_journal_field", {**entry, "element": "number2"})
        no_record = desk.create("sys_journal_field", {**entry, "element_id": LOST_ID})
        sent = desk.writer.recent(journal, since, columns=list(entry), sent=[])
        raw = desk.writer.fetch(journal, [str(outcome.id)], columns=["value"])
    assert outcome.kind is OutcomeKind.DONE
    (row,) = served.rows("sys_journal_field", f"element_id={record}")
    assert row["sys_id"] == outcome.id
    assert row["value"] == (
        "[Restored by Unlost: originally by lotte at 2026-07-01 08:00:00 UTC]\nTwo\nlines"
    )
    assert no_column.kind is no_record.kind is OutcomeKind.FAILED
    assert sent.cells is not None
    assert sent.cells.to_pylist() == [entry]  # a lost answer is found by what was sent
    assert raw.cells is not None
    assert raw.cells.to_pylist() == [{"value": row["value"]}]


def test_a_lost_answer_about_an_entry_is_unknown(served: ServedInstance) -> None:
    record = served.insert("incident", short_description="No coffee")
    entry: dict[str, str | None] = {
        "name": "incident", "element_id": record, "element": "comments", "value": "Hello",
    }  # fmt: skip
    with opened(served, "incident", "sys_journal_field") as desk:
        served.admin.fault("reply_lost", path="/v1/batch")
        assert desk.create("sys_journal_field", entry).kind is OutcomeKind.UNKNOWN
    assert len(served.rows("sys_journal_field", f"element_id={record}")) == 1


def test_records_of_other_domains_are_found_and_deleted(separated: ServedInstance) -> None:
    domains = {row["sys_domain"]: row for row in separated.rows("incident")}
    assert len(domains) > 1
    with separated.source(include=("incident",)) as source:
        table = described(source, "incident")
    with separated.writer() as writer:
        wanted = [row["sys_id"] for row in domains.values()]
        assert sorted(ids(writer.fetch(table, wanted, columns=[]))) == sorted(wanted)
        rows = [WriteRow(each, each) for each in wanted]
        outcomes = writer.write(WriteOp.DELETE, table, rows, token="t")
        assert {each.kind for each in outcomes} == {OutcomeKind.DONE}


def test_only_a_call_without_an_answer_is_waited_for(served: ServedInstance) -> None:
    with opened(served, "problem") as desk:
        table, since = desk.table("problem"), desk.writer.server_time()
        start = served.clock.now()
        assert desk.create("problem", CELLS).kind is OutcomeKind.DONE
        desk.writer.settle(table, since=since)
        assert served.clock.now() == start
        served.admin.fault("reply_lost", path="/v1/batch")
        assert desk.create("problem", CELLS).kind is OutcomeKind.UNKNOWN
        desk.writer.settle(table, since=since)
        waited = served.clock.now()
        assert waited - start > timedelta(minutes=4)
        desk.writer.settle(table, since=since - timedelta(minutes=1))  # of a run that crashed
        assert served.clock.now() > waited
