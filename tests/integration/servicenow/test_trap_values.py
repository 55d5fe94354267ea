"""Traps of values, ids and columns, read and written; the names of the tests are their symptoms."""

from pathlib import Path

import pytest

from fakes.certified import CertifiedBackups, sentences
from fakes.instance import PASSWORD, RESTORE, ServedInstance, described, full
from unlost.connectors.servicenow import CONNECTOR, ServiceNowAuth, ServiceNowConfig
from unlost.model.errors import UnlostError
from unlost.model.source.writing import OutcomeKind, WriteOp, WriteRow
from unlost.testing.connectors import ids_of
from unlost.testing.system import memory_context

pytestmark = pytest.mark.network

RECORD = "0123456789abcdef0123456789abcdef"
# A text for each type of columns, as the instance stores it.
TEXTS = {
    "boolean": "true",
    "integer": "-7",
    "decimal": "0.10",
    "currency": "1234.50",
    "glide_date": "2026-02-28",
    "glide_date_time": "2026-03-29 01:30:00",
    "glide_duration": "1970-01-02 03:04:05",
    "reference": "",
    "glide_list": f"{RECORD},a@b.example",
    "html": '<p>Ä ☕ & "tea"</p>\n',
    "string": "  javascript:gs.exit()^ORa=b, 'c' \\ %  ",
}
# Ids that are no hexadecimal numbers, and ids that differ by the order of letters without case.
IDS = ("global", "glide.maint", "Zebra", "apple", "Mango", "kiwi-2", "F" * 32, "e" * 32)


def put_columns(served: ServedInstance) -> dict[str, str]:
    """A column of each type in the table of problems; texts by the names of the columns."""
    for kind in TEXTS:
        target = {"target": "sys_user"} if kind == "reference" else {}
        column = {"name": f"u_{kind}", "label": kind, "kind": kind, "max_length": 400, **target}
        served.admin.post("schema/put-column", table="problem", **column)
    return {f"u_{kind}": text for kind, text in TEXTS.items()}


# --- reading --------------------------------------------------------------------------------------


def test_a_value_of_any_type_is_stored_as_it_is(served: ServedInstance) -> None:
    texts = put_columns(served)
    served.admin.post("records/quiet-insert", table="problem", rows=[{"sys_id": RECORD, **texts}])
    with served.source() as source:
        (page,) = source.read_ids(described(source, "problem"), [RECORD])
    assert page.rows.cells is not None
    (row,) = page.rows.cells.to_pylist()
    # An empty reference is an empty text, and no object: it is stored as none.
    assert {name: row[name] or "" for name in texts} == texts
    assert row["u_reference"] is None


def test_an_id_that_is_no_hexadecimal_number_is_backed_up(
    served: ServedInstance, tmp_path: Path
) -> None:
    rows = [{"sys_id": each, "short_description": each} for each in IDS]
    served.admin.post("records/quiet-insert", table="problem", rows=rows)
    with served.source(page_rows=3) as source:
        listed = ids_of(full(source, "problem"))
        assert set(IDS) <= set(listed)
        assert len(listed) == len(set(listed)) == len(served.rows("problem"))
    backups = CertifiedBackups(served, tmp_path, "problem")
    assert sentences(backups.back_up()) == []
    assert set(IDS) <= backups.records("problem").keys()
    served.delete("problem", "global")
    assert sentences(backups.back_up()) == []
    assert "global" not in backups.records("problem")


def test_a_table_with_more_columns_than_an_address_takes_is_read_whole(
    served: ServedInstance,
) -> None:
    names = [f"u_{'long' * 9}_{number:03}" for number in range(160)]
    for name in names:
        served.admin.post("schema/put-column", table="problem", name=name, label=name)
    cells = {"sys_id": RECORD, names[0]: "first", names[-1]: "last"}
    served.admin.post("records/quiet-insert", table="problem", rows=[cells])
    with served.source() as source:
        table = described(source, "problem")
        assert table.hidden == ()
        (page,) = source.read_ids(table, [RECORD])
    assert page.rows.cells is not None
    (row,) = page.rows.cells.to_pylist()
    assert (row[names[0]], row[names[-1]], row[names[1]]) == ("first", "last", None)


def test_a_column_that_an_upgrade_removes_takes_no_record_along(
    served: ServedInstance, tmp_path: Path
) -> None:
    served.admin.post("schema/put-column", table="problem", name="u_old", label="Old")
    backups = CertifiedBackups(served, tmp_path, "problem")
    assert sentences(backups.back_up()) == []
    before = backups.records("problem").keys()
    served.admin.post("schema/drop-column", table="problem", name="u_old")
    certificate = backups.back_up()
    assert sentences(certificate) == []
    assert sum(line.deleted for line in certificate.tables) == 0
    assert backups.records("problem").keys() == before


# --- deletions ------------------------------------------------------------------------------------


def test_a_deletion_whose_trails_were_emptied_is_found_without_a_gap(
    served: ServedInstance, tmp_path: Path
) -> None:
    backups = CertifiedBackups(served, tmp_path, "problem")
    backups.back_up()
    record = served.rows("problem")[0]["sys_id"]
    served.delete("problem", record)
    for trail in ("sys_audit_delete", "sys_audit"):
        served.admin.post("records/clean", table=trail, query=f"documentkey={record}")
    certificate = backups.back_up()
    assert sentences(certificate) == []
    assert sum(line.deleted for line in certificate.tables) == 1
    assert record not in backups.records("problem")


def test_records_that_a_cascade_deletes_are_lost_too(
    served: ServedInstance, tmp_path: Path
) -> None:
    backups = CertifiedBackups(served, tmp_path, "incident", "sys_attachment")
    backups.back_up()
    file = served.rows("sys_attachment", "table_name=incident")[0]
    served.delete("incident", file["table_sys_id"])
    assert served.rows("sys_attachment", f"sys_id={file['sys_id']}") == []
    certificate = backups.back_up()
    assert sentences(certificate) == []
    assert file["table_sys_id"] not in backups.records("incident")
    assert file["sys_id"] not in backups.records("sys_attachment")


# --- writing --------------------------------------------------------------------------------------


def test_a_value_of_any_type_is_written_as_it_was(served: ServedInstance) -> None:
    """Also by a user with another time zone."""
    texts: dict[str, str | None] = {**put_columns(served)}
    served.admin.post("users", name=RESTORE, zone="Europe/Brussels")
    with served.source(include=("problem",)) as source:
        table = described(source, "problem")
    with served.writer() as writer:
        writer.prepare([table])
        (outcome,) = writer.write(WriteOp.CREATE, table, [WriteRow("k", RECORD, texts)], token="t")
    assert (outcome.kind, outcome.columns) == (OutcomeKind.DONE, ())
    (row,) = served.rows("problem", f"sys_id={RECORD}")
    assert {name: row[name] for name in texts} == texts


def test_a_time_beside_an_encrypted_column_is_not_read_in_the_zone_of_the_user(
    served: ServedInstance,
) -> None:
    served.admin.post(
        "schema/put-column", table="u_credential", name="u_ends", label="Ends",
        kind="glide_date_time",
    )  # fmt: skip
    contexts = ["plant secrets"]
    served.admin.post("users", name=RESTORE, zone="Europe/Brussels", contexts=contexts)
    with served.source(include=("u_credential",)) as source:
        table = described(source, "u_credential")
    cells: dict[str, str | None] = {"u_recovery": "sesame", "u_ends": TEXTS["glide_date_time"]}
    with served.writer() as writer:
        writer.prepare([table])
        (outcome,) = writer.write(WriteOp.CREATE, table, [WriteRow("k", RECORD, cells)], token="t")
    assert (outcome.kind, outcome.columns) == (OutcomeKind.DONE, ())
    (row,) = served.rows("u_credential", f"sys_id={RECORD}")
    assert {name: row[name] for name in cells} == cells


def test_a_journal_column_is_never_written_with_what_was_read(served: ServedInstance) -> None:
    """It would add the whole history as a new entry."""
    with served.source(include=("incident",)) as source:
        table = described(source, "incident")
    with served.writer() as writer:
        capability = writer.capability(table)
    journals = {"comments", "work_notes", "comments_and_work_notes"}
    assert journals & {
        row["element"] for row in served.rows("sys_dictionary", "name=task")
    }  # the instance has some
    assert not journals & {column.name for column in table.columns}
    assert not journals & (capability.settable | capability.changeable)


def test_an_attachment_that_is_too_large_for_the_instance_has_failed(
    served: ServedInstance,
) -> None:
    served.admin.post("settings", attachment_bytes=3)
    record = served.insert("problem", short_description="No coffee")
    cells: dict[str, str | None] = {
        "table_name": "problem", "table_sys_id": record, "file_name": "beans.bin",
    }  # fmt: skip
    with served.source(include=("sys_attachment",)) as source:
        table = described(source, "sys_attachment")
    with served.writer() as writer:
        row = WriteRow("k", None, cells, file=b"beans")
        (outcome,) = writer.write(WriteOp.CREATE, table, [row], token="t")
    assert outcome.kind is OutcomeKind.FAILED
    assert "too large" in outcome.sentence
    assert served.rows("sys_attachment", f"table_sys_id={record}") == []


# --- sign-ins -------------------------------------------------------------------------------------


def test_client_credentials_are_off_and_the_error_names_the_property(
    served: ServedInstance,
) -> None:
    config = ServiceNowConfig(
        url=served.url, auth=ServiceNowAuth.CLIENT_CREDENTIALS, client_id="chocolate-client"
    )
    context = memory_context({"client_secret": PASSWORD}, clock=served.clock)
    with CONNECTOR.open_source(config, context) as source, pytest.raises(UnlostError) as caught:
        source.identity()
    assert caught.value.code == "servicenow-client-credentials"
    assert "client.credential.grant_type.enabled" in caught.value.message.next_step
