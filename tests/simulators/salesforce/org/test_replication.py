"""getUpdated and getDeleted: windows, refusals, the trimmed log, open transactions."""

from datetime import timedelta

import pytest

from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def test_updated_lists_what_changed_in_the_window(org: Org, backup: SimUser) -> None:
    start = org.clock.now()
    one, two = org.insert(backup, "Account", [{"Name": "a"}, {"Name": "b"}])
    org.clock.advance(HOUR)
    org.update(backup, "Account", {one: {"Name": "c"}})
    now = org.clock.now()
    both = org.updated(backup, "Account", start, now + MINUTE)
    assert both.ids == (two, one)
    assert both.latest_date_covered == now
    late = org.updated(backup, "Account", now, now + HOUR)
    assert late.ids == (one,)
    assert late.latest_date_covered == now
    org.delete(backup, "Account", [one])
    assert org.updated(backup, "Account", start, now + MINUTE).ids == (two,)


def test_seconds_are_ignored(org: Org, backup: SimUser) -> None:
    org.clock.advance(timedelta(seconds=30))
    (made,) = org.insert(backup, "Account", [{"Name": "a"}])
    start = org.clock.now() + timedelta(seconds=20)
    assert org.updated(backup, "Account", start, start + 2 * MINUTE).ids == (made,)


def test_open_transactions_hold_back_what_is_covered(org: Org, backup: SimUser) -> None:
    start = org.clock.now()
    org.clock.advance(10 * MINUTE)
    org.insert(backup, "Account", [{"Name": "late"}], visible_after=HOUR)
    org.clock.advance(10 * MINUTE)
    found = org.updated(backup, "Account", start, org.clock.now())
    assert found.ids == ()
    assert found.latest_date_covered == start + 10 * MINUTE
    org.clock.advance(HOUR)
    again = org.updated(backup, "Account", found.latest_date_covered, org.clock.now())
    assert len(again.ids) == 1


def test_deleted_lists_ids_and_times(org: Org, backup: SimUser) -> None:
    one, two = org.insert(backup, "Contact", [{"LastName": "a"}, {"LastName": "b"}])
    start = org.clock.now()
    org.delete(backup, "Contact", [two])
    org.clock.advance(HOUR)
    org.hard_delete(backup, "Contact", [one])
    found = org.deleted(backup, "Contact", start, org.clock.now() + MINUTE)
    assert found.records == ((two, start), (one, start + HOUR))
    assert found.latest_date_covered == start + HOUR
    assert found.earliest_date_available < start
    org.undelete(backup, "Contact", [two])
    again = org.deleted(backup, "Contact", start, org.clock.now() + MINUTE)
    assert [one for one, _ in again.records] == [one]


def test_trimmed_log_says_so(org: Org, backup: SimUser) -> None:
    made = org.insert(backup, "Contact", [{"LastName": "a"}, {"LastName": "b"}])
    start = org.clock.now()
    org.delete(backup, "Contact", made[:1])
    org.clock.advance(2 * HOUR)
    org.delete(backup, "Contact", made[1:])
    floor = start + HOUR
    org.trim_delete_log(floor, "Contact")
    found = org.deleted(backup, "Contact", start, org.clock.now() + MINUTE)
    assert [one for one, _ in found.records] == made[1:]
    assert found.earliest_date_available == floor > start
    assert org.deleted(backup, "Account", start, floor).earliest_date_available < start
    org.trim_delete_log(org.clock.now())
    assert org.deleted(backup, "Account", start, floor).earliest_date_available > start


def test_users_see_their_own_changes_only(org: Org, backup: SimUser, narrow: SimUser) -> None:
    start = org.clock.now()
    (theirs,) = org.insert(backup, "Account", [{"Name": "theirs"}])
    (mine,) = org.insert(narrow, "Account", [{"Name": "mine"}])
    assert org.updated(narrow, "Account", start, start + HOUR).ids == (mine,)
    org.delete(backup, "Account", [theirs, mine])
    found = org.deleted(narrow, "Account", start, start + HOUR)
    assert [one for one, _ in found.records] == [mine]
    assert len(org.deleted(backup, "Account", start, start + HOUR).records) == 2


@pytest.mark.parametrize(
    ("call", "name", "start", "end", "code", "text"),
    [
        ("updated", "Account", -31, 0, "INVALID_REPLICATION_DATE", "before org replication"),
        ("updated", "Account", -30, 0, "INVALID_REPLICATION_DATE", "before org replication"),
        ("deleted", "Account", -16, 0, "INVALID_REPLICATION_DATE", "before org replication"),
        ("deleted", "Account", -15, 0, "INVALID_REPLICATION_DATE", "before org replication"),
        ("updated", "ContentVersion", -1, 0, "INVALID_TYPE_FOR_OPERATION", "not replicateable"),
        ("deleted", "ContentDocument", -1, 0, "INVALID_TYPE_FOR_OPERATION", "not replicateable"),
    ],
)
def test_refusals(
    org: Org, backup: SimUser, call: str, name: str, start: int, end: int, code: str, text: str
) -> None:
    now = org.clock.now()
    with pytest.raises(SalesforceError) as caught:
        getattr(org, call)(backup, name, now + timedelta(days=start), now + timedelta(days=end))
    assert (caught.value.status, caught.value.code) == (400, code)
    assert text in caught.value.message


def test_texts_of_bad_windows(org: Org, backup: SimUser) -> None:
    now = org.clock.now()
    with pytest.raises(SalesforceError) as caught:
        org.updated(backup, "Account", now, now + timedelta(seconds=59))
    assert caught.value.message == "startDate must be at least one minute greater than endDate"
    with pytest.raises(SalesforceError) as caught:
        org.deleted(backup, "Account", now - timedelta(days=20), now)
    assert caught.value.message == "startDate before org replication enabled date"
    with pytest.raises(SalesforceError, match="NOT_FOUND"):
        org.updated(backup, "Nope", now, now + HOUR)
