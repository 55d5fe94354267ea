"""What an archive policy would free in an org, in the words of people."""

from dataclasses import replace
from pathlib import Path

import pytest

from homes import World
from unlost.app.actions.archive.policies import archive_policies, preview_archive
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.retention.holds import HoldRequest, hold
from unlost.app.archive.policy_file import LARGEST, read_policy
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.archive import ArchivePolicy, Comparison, Condition, StayReason
from unlost.model.archive_effects import BinRoom
from unlost.model.errors import NotAllowed, NotFound, UsageError
from unlost.model.source.quota import Quota
from unlost.model.source.schema import DeleteRule, Reference, TableTrait, WireKind
from unlost.testing.org import ALL_TRAITS

GIB = 2.0**30
CLOSED = ArchivePolicy("closed-case", "Case", (Condition("Closed", Comparison.IS, ("true",)),))


@pytest.fixture
def desk(sales: World) -> World:
    """Three cases, of which two are closed; six nights in which the storage grows a kilobyte each."""
    org = sales.org
    org.add_table(
        "Case",
        {"Closed": WireKind.TEXT, "OwnerId": WireKind.REFERENCE},
        traits=ALL_TRAITS | {TableTrait.UNDELETE},
        references={"OwnerId": Reference(("User",))},
    )
    for closed in ("true", "true", "false"):
        org.create("Case", {"Closed": closed})
    source = sales.connector.source("one")
    for night in range(6):
        source.quota = (Quota("data storage", 1024.0 * (500 + night), 1024.0 * 1000, "bytes"),)
        backup(sales.app, "sales")
        sales.clock.advance(days=1)
    return sales


def test_a_policy_shows_records_bytes_and_days_of_growth(desk: World) -> None:
    shown = preview_archive(desk.app, "sales", CLOSED)
    assert (shown.preview.selected, shown.preview.roots, shown.preview.backup) == (2, 2, 6)
    (line,) = shown.tables
    assert (line.table, line.records, line.bytes) == ("Case", 2, 2048)
    (storage,) = shown.storages
    assert (storage.name, storage.bytes, storage.limit) == ("data storage", 2048, 1024_000)
    assert storage.used == 1024 * 505
    assert storage.days == pytest.approx(2, rel=0.05)


def test_a_storage_that_does_not_grow_has_no_days(desk: World) -> None:
    source = desk.connector.source("one")
    for _ in range(8):
        source.quota = (Quota("data storage", 1024.0, 1024.0 * 1000, "bytes"),)
        backup(desk.app, "sales")
        desk.clock.advance(days=1)
    (storage,) = preview_archive(desk.app, "sales", CLOSED).storages
    assert storage.days is None


def test_a_storage_that_no_backup_reported_has_no_limit(sales: World) -> None:
    sales.org.add_table("Case", {"Closed": WireKind.TEXT})
    sales.org.create("Case", {"Closed": "true"})
    sales.connector.source("one").quota = ()
    backup(sales.app, "sales")
    (storage,) = preview_archive(sales.app, "sales", CLOSED).storages
    assert (storage.bytes, storage.used, storage.limit, storage.days) == (1024, 0, 0, None)


def test_policies_that_suit_the_org_are_ready(desk: World) -> None:
    ready = archive_policies(desk.app, "sales")
    assert (ready.org, ready.backup, ready.policies) == ("sales", 6, (CLOSED,))


def test_an_org_without_a_backup_has_no_preview(sales: World) -> None:
    with pytest.raises(NotFound) as refused:
        preview_archive(sales.app, "sales", CLOSED)
    assert refused.value.code == "no-backup-yet"


def test_what_is_on_legal_hold_stays(desk: World) -> None:
    first = min(desk.org.tables["Case"].records)
    hold(desk.app, "sales", HoldRequest(record=f"Case/{first}", reason="A trial."))
    shown = preview_archive(desk.app, "sales", CLOSED).preview
    assert shown.roots == 1
    assert [(stay.cause.reason, stay.samples) for stay in shown.stays] == [
        (StayReason.HOLD, (f"Case/{first}",))
    ]


def test_the_samples_of_a_preview_cannot_be_opened(desk: World) -> None:
    first, second = sorted(desk.org.tables["Case"].records)[:2]
    hold(desk.app, "sales", HoldRequest(record=f"Case/{first}", reason="A trial."))
    shown = preview_archive(desk.app, "sales", CLOSED)
    assert [(sample.table, sample.record) for sample in shown.samples] == [("Case", second)]
    (line,) = shown.staying
    assert [(sample.table, sample.record) for sample in line.samples] == [("Case", first)]


def test_a_hidden_column_cannot_be_asked_for(desk: World) -> None:
    """A count by its values would show them."""
    hide(desk.app, "sales", "Case.Closed")
    reader = Actor(ActorKind.PERSON, "reader", (Grant(Role.OPERATOR),))
    with pytest.raises(UsageError) as refused:
        preview_archive(desk.app.acting(reader), "sales", CLOSED)
    assert refused.value.code == "archive-column"


def test_an_auditor_sees_no_policies_since_they_name_values_and_ids(desk: World) -> None:
    auditor = desk.app.acting(Actor(ActorKind.PERSON, "auditor", (Grant(Role.AUDITOR),)))
    with pytest.raises(NotAllowed):
        archive_policies(auditor, "sales")
    with pytest.raises(NotAllowed):
        preview_archive(auditor, "sales", CLOSED)


# --- files ----------------------------------------------------------------------------------------


def test_a_policy_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(
        '{"name": "closed-case", "table": "Case", "conditions": '
        '[{"column": "Closed", "comparison": "is", "values": ["true"]}]}'
    )
    assert read_policy(file) == CLOSED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"name": "p", "table": "Case", "conditons": []}', "there is no field conditons"),
        ('{"name": "p", "table": "Case", "conditions": [{"column": "A", "comparison": "is", "value": 1}]}',
         "there is no field value"),
        ('{"name": "p"}', "missing required field `table`"),
        ('{"name": "p", "table": "Case", "conditions": [{"column": "A", "comparison": "like"}]}', "like"),
        ("[]", "Expected `object`"),
        ("nothing", "malformed"),
        ("\x00" * 10, "malformed"),
        ("[" * 200_000, ""),
        (" " * (LARGEST + 1), "larger than"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "policy.json"
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_policy(file)
    assert refused.value.code == "archive-policy-wrong"
    assert reason in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        read_policy(tmp_path / "none.json")
    assert refused.value.code == "archive-policy-unreadable"
    assert str(refused.value).endswith("none.json cannot be read: No such file or directory.")


# --- effects on others ----------------------------------------------------------------------------


def test_a_full_recycle_bin_lets_records_of_others_go(desk: World) -> None:
    """The storage has one megabyte, and so the bin room for one record."""
    colleague = desk.org.create("Case", {"Closed": "false"})
    backup(desk.app, "sales")
    desk.org.delete("Case", colleague)
    desk.clock.advance(days=1)
    desk.connector.source("one").quota = (Quota("data storage", 1024.0, 2.0**20, "bytes"),)
    backup(desk.app, "sales")
    room = preview_archive(desk.app, "sales", CLOSED).bin
    assert room == BinRoom(capacity=1, used=1, entering=2, pushed=1, pushed_of_others=1)


def test_an_old_deletion_is_no_longer_in_the_bin(desk: World) -> None:
    desk.org.delete("Case", desk.org.create("Case", {"Closed": "false"}))
    backup(desk.app, "sales")
    for _ in range(3):
        desk.clock.advance(days=8)
        backup(desk.app, "sales")
    room = preview_archive(desk.app, "sales", CLOSED).bin
    assert room is not None
    assert (room.used, room.pushed) == (0, 0)


def test_a_bin_of_unknown_size_is_not_shown(sales: World) -> None:
    sales.org.add_table("Case", {"Closed": WireKind.TEXT})
    sales.org.create("Case", {"Closed": "true"})
    sales.connector.source("one").quota = ()
    backup(sales.app, "sales")
    assert preview_archive(sales.app, "sales", CLOSED).bin is None


def test_an_archive_of_nothing_pushes_nothing_out_of_the_bin(desk: World) -> None:
    desk.org.delete("Case", desk.org.create("Case", {"Closed": "false"}))
    desk.clock.advance(days=1)
    desk.connector.source("one").quota = (Quota("data storage", 0.0, 1024.0, "bytes"),)
    backup(desk.app, "sales")
    none = ArchivePolicy("none", "Case", (Condition("Closed", Comparison.IS, ("no",)),))
    room = preview_archive(desk.app, "sales", none).bin
    assert room is not None
    assert (room.capacity, room.entering, room.pushed) == (0, 0, 0)


def test_a_protected_record_stays_and_its_protection_has_a_label(sales: World) -> None:
    sales.org.add_table("Order", {"Closed": WireKind.TEXT, "Active": WireKind.TEXT})
    for active in ("true", "false"):
        sales.org.create("Order", {"Closed": "true", "Active": active})
    backup(sales.app, "sales")
    (policy,) = archive_policies(sales.app, "sales").policies
    shown = preview_archive(sales.app, "sales", policy)
    assert (shown.preview.selected, shown.preview.roots) == (2, 1)
    (line,) = shown.staying
    assert (line.reason, line.records, line.protection) == (
        StayReason.PROTECTED, 1, "Active Order",
    )  # fmt: skip
    included = preview_archive(sales.app, "sales", replace(policy, include=("active-order",)))
    assert included.preview.roots == 2


def test_records_that_cannot_be_written_back_are_named(desk: World) -> None:
    desk.org.add_table(
        "CaseHistory",
        {"CaseId": WireKind.REFERENCE},
        references={"CaseId": Reference(("Case",), DeleteRule.CASCADE)},
    )
    desk.org.create("CaseHistory", {"CaseId": min(desk.org.tables["Case"].records)})
    backup(desk.app, "sales")
    shown = preview_archive(desk.app, "sales", CLOSED)
    assert shown.unreturning == ("CaseHistory",)
    assert [line.storages for line in shown.tables] == [("data storage",), ("data storage",)]
