"""Traps that certificates name; the names of the tests are their symptoms."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from fakes.certified import CertifiedBackups, gaps_of, sentences
from fakes.instance import BACKUP, ServedInstance
from unlost.model.finding import FindingKind

pytestmark = pytest.mark.network

type Backups = Callable[..., CertifiedBackups]


@pytest.fixture
def backups(served: ServedInstance, tmp_path: Path) -> Backups:
    """Backups of the tables that a test names."""
    return partial(CertifiedBackups, served, tmp_path)


# --- classes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["u_removed", "", "sys_user"])
def test_records_of_a_class_that_the_dictionary_does_not_describe_were_missed_without_a_gap(
    served: ServedInstance, backups: Backups, name: str
) -> None:
    incidents = backups("incident", "u_removed", "", "sys_user")
    record = served.rows("incident")[0]["sys_id"]
    cells = {"sys_class_name": name}
    served.admin.post("records/quiet-update", table="incident", sys_id=record, values=cells)
    (gap,) = gaps_of(incidents.back_up())
    assert (gap.kind, gap.table, gap.detail) == (FindingKind.ROWS_MISSING, "task", name)
    assert f"the class {name or '(none)'} of 1 record of task" in gap.sentence


def test_a_root_that_is_not_counted_by_class_is_a_gap(
    served: ServedInstance, backups: Backups
) -> None:
    served.admin.fault("refuse", path="stats/task.*group_by", status=403, times=0)
    assert any("by class" in sentence for sentence in sentences(backups("incident").back_up()))


def test_a_table_that_nothing_extends_is_read_whatever_classes_its_records_have(
    served: ServedInstance, backups: Backups
) -> None:
    record = served.rows("kb_knowledge")[0]["sys_id"]
    cells = {"sys_class_name": "u_removed"}
    served.admin.post("records/quiet-update", table="kb_knowledge", sys_id=record, values=cells)
    articles = backups("kb_knowledge")
    assert sentences(articles.back_up()) == []
    assert record in articles.records("kb_knowledge", "number")
    assert not [call for call in served.requests() if "group_by" in str(call)]


def test_a_class_that_the_settings_leave_out_is_no_second_gap(
    served: ServedInstance, backups: Backups
) -> None:
    record = served.rows("incident")[0]["sys_id"]
    cells = {"sys_class_name": "u_removed"}
    served.admin.post("records/quiet-update", table="incident", sys_id=record, values=cells)
    assert sentences(backups("incident").back_up()) == []


# --- encrypted columns ----------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["absent", "empty"])
def test_an_encrypted_column_that_came_empty_was_stored_as_cleared(
    served: ServedInstance, backups: Backups, form: str
) -> None:
    served.admin.post("users", name=BACKUP, contexts=["plant secrets"])
    credentials = backups("u_credential")
    assert sentences(credentials.back_up()) == []
    before = credentials.records("u_credential", "u_recovery")
    assert any(row["u_recovery"] for row in before.values())
    served.admin.post("users", name=BACKUP, contexts=[])
    served.admin.post("settings", hidden_column=form)
    credential = served.rows("u_credential")[0]["sys_id"]
    served.update("u_credential", credential, u_name="Renamed")
    (gap,) = gaps_of(credentials.back_up())
    assert (gap.kind, gap.table, gap.detail) == (
        FindingKind.COLUMN_HIDDEN, "u_credential", "u_recovery",
    )  # fmt: skip
    after = credentials.records("u_credential", "u_name", "u_recovery")
    assert after[credential]["u_name"] == "Renamed"
    assert {key: row["u_recovery"] for key, row in after.items()} == {
        key: row["u_recovery"] for key, row in before.items()
    }


def test_an_encrypted_column_without_values_is_no_gap(
    served: ServedInstance, backups: Backups
) -> None:
    served.admin.post("settings", hidden_column="empty")
    for row in served.rows("u_credential"):
        cells = {"u_recovery": ""}
        place = {"table": "u_credential", "sys_id": row["sys_id"]}
        served.admin.post("records/quiet-update", **place, values=cells)
    assert sentences(backups("u_credential").back_up()) == []


def test_an_encrypted_column_whose_first_rows_are_empty_is_read(
    served: ServedInstance, backups: Backups
) -> None:
    served.admin.post("users", name=BACKUP, contexts=["plant secrets"])
    rows = [{"sys_id": f"0000{number:028}", "u_name": "Empty"} for number in range(12)]
    served.admin.post("records/quiet-insert", table="u_credential", rows=rows)
    credentials = backups("u_credential")
    assert sentences(credentials.back_up()) == []
    stored = credentials.records("u_credential", "u_recovery").values()
    assert any(row["u_recovery"] for row in stored)


def test_an_encrypted_column_that_cannot_be_asked_about_costs_no_table(
    served: ServedInstance, backups: Backups
) -> None:
    served.admin.fault("cancelled_key", path="u_recoveryISNOTEMPTY", times=0)
    credentials = backups("u_credential")
    (gap,) = gaps_of(credentials.back_up())
    assert (gap.kind, gap.detail) == (FindingKind.COLUMN_HIDDEN, "u_recovery")
    assert len(credentials.records("u_credential")) == len(served.rows("u_credential"))


# --- tables that do not answer --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cancelled_key", "cancelled_text", "empty_500"])
def test_a_table_that_is_never_in_time_stopped_the_whole_backup(
    served: ServedInstance, backups: Backups, kind: str
) -> None:
    tables = backups("incident", "problem")
    assert sentences(tables.back_up()) == []
    served.admin.fault(kind, path=r"table/problem\?", times=0)
    record = served.insert("incident", short_description="New")
    certificate = tables.back_up()
    assert {gap.table for gap in gaps_of(certificate)} == {"problem"}
    assert record in tables.records("incident")
    assert len(tables.records("problem")) == len(served.rows("problem"))


@pytest.mark.parametrize("trail", ["sys_audit", "sys_audit_delete"])
def test_a_trail_of_deletions_that_is_never_in_time_stopped_all_tables(
    served: ServedInstance, backups: Backups, trail: str
) -> None:
    tables = backups("incident", "problem")
    tables.back_up()
    record = served.rows("problem")[0]["sys_id"]
    served.delete("problem", record)
    served.admin.fault("cancelled_key", path=rf"table/{trail}\?", times=0)
    certificate = tables.back_up()
    assert sentences(certificate) == []
    assert record not in tables.records("problem")
    assert sum(line.deleted for line in certificate.tables) == 1


def test_a_trail_of_deletions_with_a_query_acl_stopped_all_tables(
    served: ServedInstance, backups: Backups
) -> None:
    tables = backups("problem", page_rows=5)
    tables.back_up()
    gone = [row["sys_id"] for row in served.rows("problem")[:12]]
    served.delete("problem", *gone)
    served.acl("sys_audit", "query_range", column="sys_id")
    assert sentences(tables.back_up()) == []
    assert not tables.records("problem").keys() & set(gone)
