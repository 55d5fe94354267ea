"""How a record went, when it was last there, and what people and records are called."""

from datetime import UTC, datetime, timedelta

import pytest

from homes import World
from scenes import Lead, scene, with_a_night
from unlost.app.records.record_facts import (
    MergeWinners,
    RecordDeletion,
    RecordNames,
    UserNames,
    deletion_of,
    last_alive,
)
from unlost.catalog.orgs.orgs import get_org
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo, Version

START = datetime(2026, 3, 1, tzinfo=UTC)


def night(number: int) -> SnapshotInfo:
    at = START + timedelta(days=number)
    return SnapshotInfo("o", number, "h", f"r{number}", CommitKind.BACKUP, at, at, at)


def version(number: int, op: Op, *, by: str | None = None) -> Version:
    at = START + timedelta(days=number, hours=1)
    return Version("Account", "A1", number, op, at, at - timedelta(hours=2), by)


NIGHTS = [night(number) for number in range(1, 6)]


one_night = scene(with_a_night)


@pytest.fixture
def snapshot(world: World, one_night: Lead) -> Snapshot:
    one_night(world)
    head = world.vault.newest_backup(get_org("sales").oid)
    assert head is not None
    return head


def gone_of(versions: list[Version], snapshot: Snapshot) -> RecordDeletion | None:
    people, winners = UserNames(snapshot), MergeWinners(snapshot)
    return deletion_of(versions, NIGHTS, people=people, winners=winners)


def test_what_is_alive_or_unknown_is_not_gone(snapshot: Snapshot) -> None:
    assert gone_of([], snapshot) is None
    lived = [version(1, Op.STATE), version(2, Op.MISSING), version(3, Op.STATE)]
    assert gone_of(lived, snapshot) is None


def test_a_deletion_that_the_source_told_has_its_time_and_its_user(snapshot: Snapshot) -> None:
    told = [version(1, Op.STATE), version(3, Op.DELETED, by="U1")]
    gone = gone_of(told, snapshot)
    assert gone is not None
    assert (gone.how, gone.by, gone.by_name) == (Op.DELETED, "U1", "Ada Admin")
    assert gone.at == told[-1].modified_at
    assert (gone.after, gone.until) == (NIGHTS[1].as_of, told[-1].observed_at)


def test_of_a_missing_record_only_the_nights_around_it_are_known(snapshot: Snapshot) -> None:
    gone = gone_of([version(1, Op.MISSING, by="U1")], snapshot)
    assert gone is not None
    assert (gone.how, gone.at, gone.by, gone.by_name) == (Op.MISSING, None, None, "")
    assert gone.after is None


def test_of_a_purged_record_the_time_is_known_and_nobody(snapshot: Snapshot) -> None:
    """Most lists of deletions have times and no users."""
    purged = version(1, Op.PURGED)
    gone = gone_of([purged], snapshot)
    assert gone is not None
    assert (gone.how, gone.at, gone.by, gone.by_name) == (Op.PURGED, purged.modified_at, None, "")


def test_a_list_of_deletions_may_name_the_user(snapshot: Snapshot) -> None:
    """ServiceNow names the user, and searches said "user unknown"."""
    gone = gone_of([version(1, Op.PURGED, by="U1")], snapshot)
    assert gone is not None
    assert (gone.how, gone.by, gone.by_name) == (Op.PURGED, "U1", "Ada Admin")


def test_an_end_that_is_told_twice_began_with_the_first_word(snapshot: Snapshot) -> None:
    twice = [version(1, Op.STATE), version(2, Op.MISSING), version(4, Op.DELETED, by="U1")]
    gone = gone_of(twice, snapshot)
    assert gone is not None
    assert (gone.how, gone.until) == (Op.DELETED, twice[1].observed_at)
    assert last_alive(twice, NIGHTS) == 1


def test_what_was_never_seen_alive_is_in_no_backup() -> None:
    assert last_alive([version(2, Op.DELETED)], NIGHTS) is None
    assert last_alive([version(1, Op.STATE), version(1, Op.DELETED)], NIGHTS) is None


def test_names_come_from_the_tables_that_have_them(snapshot: Snapshot) -> None:
    names = RecordNames(snapshot)
    assert names.of(["Nowhere", "User", "Account"], ["U1", "A40017", "x"]) == {
        "U1": "Ada Admin",
        "A40017": "Schoko Zürich",
    }
    assert names.of(["AccountHistory"], ["U1"]) == {}
    assert names.of([], ["U1"]) == {}


def test_a_user_has_a_name_only_where_the_table_says_who_users_are(snapshot: Snapshot) -> None:
    people = UserNames(snapshot)
    assert people.name("Account", "U1") == "Ada Admin"
    assert people.name("Account", "U9") == ""
    assert people.name("Account", None) == ""
    assert people.name("Nowhere", "U1") == ""
