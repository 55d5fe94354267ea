"""Each planted gap turns the certificate, costs no record, and is gone once it is healed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.certified import CertifiedBackups, gaps_of, sentences
from fakes.instance import BACKUP, ServedInstance
from unlost.connectors.servicenow.schema.newest import PROBED_ROWS
from unlost.engine.backup.backup import ParkedBackup
from unlost.model.finding import FindingKind

pytestmark = pytest.mark.network

TABLES = ("incident", "problem")
RIGHTS = ["admin", "snc_read_only"]

type Act = Callable[[ServedInstance], object]


@dataclass(frozen=True)
class PlantedGap:
    """A gap, its place on the certificate, and its repair."""

    plant: Act
    kind: FindingKind
    table: str | None = "problem"
    detail: str = ""
    heal: Act | None = None


def hide_row(served: ServedInstance) -> None:
    record = served.rows("problem", "ORDERBYsys_id")[0]["sys_id"]
    served.acl("problem", roles=[], condition=f"sys_id!={record}")


def refuse(path: str) -> Act:
    return lambda served: served.admin.fault("refuse", path=path, status=403, times=0)


def cancel_pages(served: ServedInstance) -> None:
    """Cancel pages of a changed table; discovery asks for fewer rows, which come in time."""
    served.update("problem", served.rows("problem")[0]["sys_id"], priority="1")
    path = r"table/problem\?"
    served.admin.fault("cancelled_key", path=path, most_rows=PROBED_ROWS, times=0)


def clear_acls(served: ServedInstance) -> None:
    """Remove all access rules; an instance without a single one does not show them."""
    served.admin.post("acls/clear")
    served.admin.post("acls", table="sys_user", operation="read", roles=["admin"])


def end_faults(served: ServedInstance) -> None:
    served.admin.post("faults/clear")


PLANTED = {
    "a row": PlantedGap(hide_row, FindingKind.ROWS_MISSING),
    "a whole table": PlantedGap(lambda served: served.acl("problem"), FindingKind.ROWS_MISSING),
    "a column": PlantedGap(
        lambda served: served.acl("problem", column="short_description"),
        FindingKind.COLUMN_HIDDEN,
        detail="short_description",
    ),
    "a column in some rows": PlantedGap(
        lambda served: served.acl("problem", column="priority", roles=[], condition="state=1"),
        FindingKind.COLUMN_HIDDEN,
        detail="priority",
    ),
    "a table closed to REST": PlantedGap(
        lambda served: served.admin.post("schema/web-access", table="problem", open=False),
        FindingKind.TABLE_REFUSED,
        heal=lambda served: served.admin.post("schema/web-access", table="problem", open=True),
    ),
    "a table that is refused": PlantedGap(
        refuse(r"table/problem\?"), FindingKind.TABLE_REFUSED, heal=end_faults
    ),
    "pages with an error under 200": PlantedGap(
        cancel_pages, FindingKind.TABLE_UNREADABLE, heal=end_faults
    ),
    "a query ACL": PlantedGap(
        lambda served: served.acl("problem", "query_range", column="sys_id"),
        FindingKind.TABLE_REFUSED,
    ),
    "a before-query rule": PlantedGap(
        lambda served: served.admin.post("rules/query", table="problem", condition="state!=1"),
        FindingKind.PERMISSION_MISSING,
        heal=lambda served: served.admin.post("rules/clear"),
    ),
    "the role admin": PlantedGap(
        lambda served: served.admin.post("users", name=BACKUP, roles=["itil", "snc_read_only"]),
        FindingKind.PERMISSION_MISSING,
        table=None,
        heal=lambda served: served.admin.post("users", name=BACKUP, roles=RIGHTS),
    ),
    "the access rules": PlantedGap(
        refuse(r"table/sys_security_acl\?"),
        FindingKind.PERMISSION_MISSING,
        table=None,
        heal=end_faults,
    ),
    "the business rules": PlantedGap(
        refuse(r"table/sys_script\?"), FindingKind.PERMISSION_MISSING, table=None, heal=end_faults
    ),
    "counts by class": PlantedGap(
        refuse("stats/task.*group_by"), FindingKind.ROWS_MISSING, table="task", heal=end_faults
    ),
}


@pytest.mark.parametrize("lost", PLANTED)
def test_a_planted_gap_turns_the_certificate(
    served: ServedInstance, tmp_path: Path, lost: str
) -> None:
    gap = PLANTED[lost]
    backups = CertifiedBackups(served, tmp_path, *TABLES)
    assert sentences(backups.back_up()) == []
    before = {table: backups.records(table, "short_description") for table in TABLES}
    gap.plant(served)
    for full in (False, True):
        certificate = backups.back_up(full=full)
        assert any(
            (each.kind, each.table) == (gap.kind, gap.table) and gap.detail in each.detail
            for each in gaps_of(certificate)
        ), sentences(certificate)
        assert all(each.next_step for each in gaps_of(certificate))
        assert sum(line.deleted for line in certificate.tables) == 0
        after = {table: backups.records(table, "short_description") for table in TABLES}
        assert after == before
    (gap.heal or clear_acls)(served)
    assert sentences(backups.back_up()) == []
    assert {table: backups.records(table, "short_description") for table in TABLES} == before


def test_an_attachment_with_other_bytes_turns_the_certificate(
    served: ServedInstance, tmp_path: Path
) -> None:
    record = served.rows("sys_attachment")[0]["sys_id"]
    wrong = {"table": "sys_attachment", "sys_id": record, "values": {"hash": "0" * 64}}
    served.admin.post("records/quiet-update", **wrong)
    certificate = CertifiedBackups(served, tmp_path, "sys_attachment").back_up()
    (gap,) = gaps_of(certificate)
    assert (gap.kind, gap.table) == (FindingKind.FILE_UNREADABLE, "sys_attachment")


def test_records_of_other_domains_never_become_tombstones(
    separated: ServedInstance, tmp_path: Path
) -> None:
    backups = CertifiedBackups(separated, tmp_path, "incident")
    assert sentences(backups.back_up()) == []
    before = backups.records("incident")
    # So few that their loss would not be unusual.
    others = separated.rows("incident", "sys_domain!=global")[10:]
    for row in others:
        place = {"table": "incident", "sys_id": row["sys_id"]}
        separated.admin.post("records/quiet-update", **place, values={"sys_domain": "global"})
    separated.admin.fault("refuse", path="query_no_domain=true", status=403, times=0)
    for full in (False, True):
        certificate = backups.back_up(full=full)
        assert any("separates domains" in sentence for sentence in sentences(certificate))
        assert sum(line.deleted for line in certificate.tables) == 0
        assert backups.records("incident").keys() == before.keys()
    separated.admin.post("faults/clear")
    assert sentences(backups.back_up()) == []


def test_a_spent_rate_limit_parks_the_backup_and_loses_nothing(
    served: ServedInstance, tmp_path: Path
) -> None:
    backups = CertifiedBackups(served, tmp_path, *TABLES)
    backups.back_up()
    record = served.insert("problem", short_description="New")
    served.admin.post("rates", name="few", limit=20, scope="user", subject=BACKUP)
    parked = backups.attempt()
    assert isinstance(parked, ParkedBackup)
    assert parked.resume_at is not None
    assert record not in backups.records("problem")
    served.admin.post("rates/clear")
    assert sentences(backups.back_up()) == []
    assert record in backups.records("problem")
