"""Values as people read them; what does not fit its kind stays as it is."""

import pytest

from unlost.app.records.readable import readable
from unlost.model.source.schema import WireKind


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (WireKind.BOOLEAN, "true", "yes"),
        (WireKind.BOOLEAN, "False", "no"),
        (WireKind.BOOLEAN, "maybe", "maybe"),
        (WireKind.INSTANT, "2026-11-03T23:30:00.000Z", "2026-11-04 00:30"),
        (WireKind.INSTANT, "2026-07-03T12:00:00.000+0000", "2026-07-03 14:00"),
        (WireKind.INSTANT, "soon", "soon"),
        (WireKind.INSTANT, "9999-12-31T23:59:59.000Z", "9999-12-31 23:59"),
        (WireKind.DATE, "2026-11-03", "2026-11-03"),
        (WireKind.DATE, "2026-11-03T00:00:00.000Z", "2026-11-03"),
        (WireKind.TIME, "14:30:00.000Z", "14:30"),
        (WireKind.TIME, "14:30:05.000Z", "14:30:05"),
        (WireKind.TIME, "noon", "noon"),
        (WireKind.DECIMAL, "1.0E7", "10,000,000"),
        (WireKind.DECIMAL, "1234567.50", "1,234,567.50"),
        (WireKind.DECIMAL, "-12.0", "-12"),
        (WireKind.DECIMAL, "1E999", "1E999"),
        (WireKind.DECIMAL, "NaN", "NaN"),
        (WireKind.DECIMAL, "much", "much"),
        (WireKind.INTEGER, "2026", "2026"),
        (WireKind.INTEGER, "20260", "20,260"),
        (WireKind.MULTI, "dark;milk;", "dark, milk"),
        (WireKind.TEXT, "true", "true"),
    ],
)
def test_a_value_is_shown_as_people_read_it(kind: WireKind, value: str, shown: str) -> None:
    assert readable(value, kind, zone="Europe/Zurich") == shown
