"""A backup knows only the last user of a record: what others may have changed says so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from unlost.app.actions.records.history import is_shared
from unlost.engine.records.explain import FieldChange
from unlost.engine.records.history import Event, EventKind, Origin, When
from unlost.model.source.reading import Op

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CITY = (FieldChange("City", "Gent", "Brugge"),)
VERSION = Event(
    EventKind.CHANGED, When(NOON, NOON - 24 * HOUR, NOON + HOUR), "U1", CITY, Origin.VAULT,
    Op.STATE, 3, "C1",
)  # fmt: skip


def logged(hours: float, *, by: str | None = "U7", record: str = "C1") -> Event:
    """A change in the org's own log, so many hours before the last change of the record."""
    at = NOON - hours * HOUR
    phone = (FieldChange("Phone", "1", "2"),)
    when = When(at, None, at)
    return Event(EventKind.CHANGED, when, by, phone, Origin.CHANGE_LOG, Op.STATE, None, record)


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        (logged(2), True),
        (logged(2, by="U1"), False),
        (logged(2, by=None), False),
        (logged(2, record="C0"), False),
        (logged(25), False),
        (logged(-1), False),
    ],
)
def test_a_city_was_blamed_on_who_saved_the_record_last(other: Event, shared: bool) -> None:
    assert is_shared(VERSION, [other, VERSION]) is shared


def test_what_the_log_or_nobody_signed_is_not_shared() -> None:
    assert not is_shared(logged(1), [logged(2), logged(1)])
    assert not is_shared(replace(VERSION, by=None), [logged(2), VERSION])
    first = replace(VERSION, when=replace(VERSION.when, after=None))
    assert is_shared(first, [logged(99), first])
