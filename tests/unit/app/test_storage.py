"""Storages are sampled with each backup; the report says when they will be full, and draws it."""

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.snapshots import snapshots
from unlost.app.actions.storage.storage import storage, storage_loops, trend, use
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.compose import Application
from unlost.app.storage.storage_chart import NARROW, chart
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotAllowed, NotFound, UsageError
from unlost.model.forecast import Sample
from unlost.model.source.quota import Quota
from unlost.model.source.schema import WireKind
from unlost.model.storage import OldVersions, OldVersionUse

GIB = 2.0**30
DAY = timedelta(days=1)
SVG = "{http://www.w3.org/2000/svg}"


def live(world: World, days: int, *, daily: float = 0.01, begins: float = 0.5) -> None:
    source = world.connector.source("one")
    for day in range(days):
        used = (begins + daily * day) * GIB
        source.quota = (
            Quota("data storage", used, GIB, "bytes"),
            Quota("Bulk query results a day", 1, 2, "bytes"),
            Quota("API calls a day", 1, 2, "calls"),
        )
        backup(world.app, "sales")
        world.clock.advance(days=1)


def live_for_twenty_days(world: World) -> None:
    """The storage of an org grows by a hundredth a day for twenty days."""
    with_sales(world)
    live(world, 20)


twenty_days = scene(live_for_twenty_days)


@pytest.fixture
def grown(world: World, twenty_days: Lead) -> World:
    """The storage of an org grew by a hundredth a day for twenty days."""
    twenty_days(world)
    return world


def test_the_day_on_which_a_storage_is_full_is_told(grown: World) -> None:
    (line,) = storage(grown.app, "sales").storages
    assert (line.name, len(line.samples)) == ("data storage", 20)
    assert line.used == pytest.approx(0.69 * GIB)
    assert line.forecast is not None
    assert line.forecast.reached is not None
    left = (line.forecast.reached - grown.clock.now()) / DAY
    assert left == pytest.approx((1.05 - 0.70) / 0.01, rel=0.01)
    (sooner,) = storage(grown.app, "sales", stop=0.9).storages
    assert sooner.forecast is not None
    assert sooner.forecast.reached is not None
    assert sooner.forecast.reached < line.forecast.reached


def test_backups_of_an_org_whose_clock_is_behind_have_a_forecast(sales: World) -> None:
    """Samples have the times of their backups: the clock of this machine hardly moves meanwhile."""
    source = sales.connector.source("one")
    for day in range(5):
        source.clock_error = (day - 6) * DAY
        source.quota = (Quota("data storage", (0.98 + 0.01 * day) * GIB, GIB, "bytes"),)
        backup(sales.app, "sales")
    (line,) = storage(sales.app, "sales").storages
    assert [sample.at for sample in line.samples] == [
        snapshot.as_of for snapshot in snapshots(sales.app, "sales").snapshots
    ]
    assert line.forecast is not None
    assert line.forecast.daily == pytest.approx(0.01 * GIB, rel=0.01)


def test_the_last_backup_counts_if_the_clock_of_the_org_stands(sales: World) -> None:
    source = sales.connector.source("one")
    for used in (0.9, 0.5):
        source.quota = (Quota("data storage", used * GIB, GIB, "bytes"),)
        backup(sales.app, "sales")
    (line,) = storage(sales.app, "sales").storages
    assert line.used == pytest.approx(0.5 * GIB)


def test_a_daily_limit_whose_name_does_not_end_in_a_day_is_no_storage(sales: World) -> None:
    sales.connector.source("one").quota = (
        Quota("Daily transfer", 1, 2, "bytes", storage=False),
        Quota("files of a day", 1, 2, "bytes", storage=True),
    )
    backup(sales.app, "sales")
    assert [line.name for line in storage(sales.app, "sales").storages] == ["files of a day"]


def test_old_versions_of_files_are_counted_and_named_for_readers(sales: World) -> None:
    columns = {"File": WireKind.TEXT, "Latest": WireKind.TEXT, "Size": WireKind.INTEGER}
    sales.org.add_table("Version", columns | {"Title": WireKind.TEXT})
    for latest, size in (("false", "300"), ("true", "400")):
        cells = {"File": "F1", "Latest": latest, "Size": size, "Title": "Menu"}
        sales.org.create("Version", cells)
    backup(sales.app, "sales")
    old = use(sales.app, "sales").old_versions
    assert old == OldVersions(1, 1, 300, (OldVersionUse("F1", "Menu", 1, 300),))
    auditor = sales.app.acting(Actor(ActorKind.PERSON, "auditor", (Grant(Role.AUDITOR),)))
    assert use(auditor, "sales").old_versions == OldVersions(1, 1, 300)


def test_an_org_without_versions_of_files_has_no_old_ones(sales: World) -> None:
    backup(sales.app, "sales")
    assert use(sales.app, "sales").old_versions == OldVersions()


def test_rules_see_the_same_forecast(grown: World) -> None:
    (watched,) = Watcher().gather(grown.app).orgs
    (line,) = storage(grown.app, "sales").storages
    assert watched.forecasts == {"data storage": line.forecast}


def test_too_few_days_and_no_days_are_told(sales: World) -> None:
    with pytest.raises(NotFound) as caught:
        storage(sales.app, "sales")
    assert caught.value.code == "storage-unknown"
    live(sales, 2)
    (line,) = storage(sales.app, "sales").storages
    assert line.forecast is None


@pytest.mark.parametrize("stop", [0.0, -1.0, 11.0])
def test_a_stop_line_that_is_no_share_is_refused(sales: World, stop: float) -> None:
    with pytest.raises(UsageError) as caught:
        storage(sales.app, "sales", stop=stop)
    assert caught.value.code == "stop-invalid"


def drawn(world: World, *, name: str = "data storage of sales") -> ET.Element:
    (line,) = storage(world.app, "sales").storages
    now = world.clock.now()
    return ET.fromstring(chart(name, line.samples, limit=line.limit, seen=line.forecast, now=now))


def test_the_chart_shows_what_was_used_the_limit_and_where_it_leads(grown: World) -> None:
    picture = drawn(grown, name='"<data> & more"')
    label = picture.get("aria-label")
    assert label is not None
    assert label.startswith('"<data> & more": 69.0%, full on ')
    classes = {one.get("class") for one in picture.iter()}
    assert {"used", "trend", "band", "limit", "stop"} <= classes
    (used,) = [one for one in picture.iter(f"{SVG}polyline") if one.get("class") == "used"]
    points = [tuple(map(float, one.split(","))) for one in str(used.get("points")).split()]
    assert len(points) == 20
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True), "it grows"
    (limit,) = [one for one in picture.iter(f"{SVG}line") if one.get("class") == "limit"]
    assert float(str(limit.get("y1"))) < points[-1][1]


def test_the_chart_of_few_days_has_no_trend(sales: World) -> None:
    live(sales, 1)
    picture = drawn(sales)
    classes = {one.get("class") for one in picture.iter()}
    assert not {"trend", "band", "stop"} & classes
    bare = chart("x", [Sample(sales.clock.now(), 5)], limit=0, seen=None, now=sales.clock.now())
    assert "x: 0.00 GiB" in bare


def test_the_days_of_both_lines_are_dots_with_their_dates(sales: World) -> None:
    live(sales, 20, begins=0.78)
    (line,) = storage(sales.app, "sales").storages
    picture = drawn(sales)
    dots = list(picture.iter(f"{SVG}circle"))
    assert len(dots) == 2
    assert line.forecast is not None
    assert line.full is not None
    words = [one.text for one in picture.iter(f"{SVG}text")]
    for seen in (line.forecast, line.full):
        assert seen.reached is not None
        assert f"{seen.reached:%Y-%m-%d}" in words
    assert line.full.reached < line.forecast.reached  # type: ignore[operator]


def test_the_band_widens_and_the_right_end_is_told(sales: World) -> None:
    live(sales, 20, daily=0.001)
    picture = drawn(sales)
    (band,) = list(picture.iter(f"{SVG}polygon"))
    corners = [tuple(map(float, one.split(","))) for one in str(band.get("points")).split()]
    here, *ends = corners
    assert here[0] < min(x for x, _ in ends)
    assert max(y for _, y in ends) - min(y for _, y in ends) > 5
    assert any("≈ 53%" in str(one.text) for one in picture.iter(f"{SVG}text"))


def test_a_chart_for_pages_has_no_style_and_fits_phones(grown: World) -> None:
    (line,) = storage(grown.app, "sales").storages
    now = grown.clock.now()
    told = chart(
        "x", line.samples, limit=line.limit, seen=line.forecast, now=now, sheet=NARROW, styled=False
    )
    assert "style" not in told
    picture = ET.fromstring(told)
    assert picture.get("viewBox") == "0 0 360 280"
    assert all(0 <= float(str(one.get("x"))) <= 360 for one in picture.iter(f"{SVG}text"))


def acting(world: World, role: Role) -> Application:
    return world.app.acting(Actor(ActorKind.PERSON, "ada", (Grant(role),)))


def test_owners_and_loops_are_for_who_may_read_records(sales: World) -> None:
    live(sales, 1)
    assert use(sales.app, "sales").owners
    auditor = acting(sales, Role.AUDITOR)
    found = use(auditor, "sales")
    assert found.tables
    assert not found.owners
    assert not storage(auditor, "sales").use.owners
    for refused in (
        lambda: storage_loops(auditor, "sales"),
        lambda: storage(auditor, "sales", with_loops=True),
    ):
        with pytest.raises(NotAllowed) as caught:
            refused()
        assert caught.value.code == "not-permitted"


def test_an_org_that_told_of_no_storage_has_no_trend(sales: World) -> None:
    assert trend(sales.app, "sales").storages == ()
