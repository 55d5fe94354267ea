"""Faults while images are sent: the run ends, all else is done, and the image is named."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unit.engine.restore.atelier import LINK, TEXT, Atelier, codes
from unit.engine.restore.workshop import of
from unlost.engine.restore.planning.notes.images import IMAGES_LARGE
from unlost.engine.restore.running import execute as running
from unlost.engine.restore.running.compared import IMAGE_LOST
from unlost.engine.restore.running.passes import images as sending
from unlost.engine.restore.values.outcome import Ending, RestoreOutcome
from unlost.model.errors import SourceRefused
from unlost.model.plan import RestorePlan
from unlost.model.source.schema import DeleteRule, Reference
from unlost.model.source.writing import ClearedRows, MatchKey
from unlost.testing.faults import Crash, CrashPoint
from unlost.testing.images import PNG, address
from unlost.testing.memory_writer import FULL, ReplyLost
from unlost.testing.platform import RowRefused

NAMES = ("First", "Second", "Third")
WRITES = frozenset({"put_new", "put_stream", "delete"})
MOST = 60  # calls of the pass, with room to spare
REFUSED = SourceRefused("salesforce-refused", "Salesforce refused: too large (413).")


class Gallery:
    """A client whose team the org removes with the owner, and lost pages with images."""

    def __init__(self, shop: Atelier) -> None:
        self.shop = shop
        org = shop.org
        org.add_table("Client", {"Name": TEXT, "Owner": TEXT})
        org.add_table(
            "Member",
            {"Name": TEXT, "Account": LINK, "User": TEXT},
            references={"Account": Reference(("Client",), DeleteRule.CASCADE)},
        )
        org.add_table("Page", {"Name": TEXT, "Text": TEXT}, images=("Text",))
        shop.allow("Client", clears=(ClearedRows("Owner", "Member", "Account"),))
        shop.allow("Member", keys=(MatchKey(("Account", "User")),))
        self.client = shop.make("Client", "Candy", Owner="Ann")
        shop.make("Member", "M Bob", Account=self.client, User="Bob")
        self.pages = {name: shop.make("Page", name, Text="see") for name in NAMES}
        for name, page in self.pages.items():
            org.paste("Page", page, "Text", self.picture(name))
        shop.night()
        for page in self.pages.values():
            shop.lose("Page", page)
        org.update("Client", self.client, {"Owner": "Zoe"})
        shop.night()

    def picture(self, name: str) -> bytes:
        return PNG + name.encode()

    def plan(self) -> RestorePlan:
        pages = (("Page", page) for page in self.pages.values())
        return self.shop.plan_of(("Client", self.client), *pages, at=1)

    def restore(self, plan: RestorePlan) -> RestoreOutcome:
        """Run the plan to its end; the team is there again, whatever became of the images."""
        outcome = self.shop.restore(plan)
        assert self.shop.live("Client")[self.client]["Owner"] == "Ann"
        assert [row["User"] for row in self.shop.live("Member").values()] == ["Bob"]
        return outcome

    def without_image(self, outcome: RestoreOutcome) -> list[str]:
        """The pages that came back without their image."""
        lost = []
        for name, page in self.pages.items():
            record = of(outcome, page)
            assert record.ending is Ending.CREATED
            if [(d.column, d.reason) for d in record.differences] == [("Text", IMAGE_LOST)]:
                lost.append(name)
        return lost

    def shown(self, name: str) -> bytes | None:
        page, cells = self.shop.named("Page", name)
        image = str(cells["Text"]).rpartition("=")[2]
        return self.shop.org.tables["Page"].images.get((page, image))

    @property
    def updates(self) -> list[int]:
        """The number of rows of each call that sent images."""
        return [call[2] for call in self.shop.writes() if call[:2] == ("update", "Page")]


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(Atelier(tmp_path))


def test_a_refused_call_with_images_is_sent_in_parts(gallery: Gallery) -> None:
    gallery.shop.writer.faults.plant("write", REFUSED, table="Page", after=1, times=2)
    outcome = gallery.restore(gallery.plan())
    assert gallery.updates == [3, 1, 2]
    assert gallery.without_image(outcome) == ["First"]
    assert [gallery.shown(name) for name in NAMES[1:]] == [
        gallery.picture(name) for name in NAMES[1:]
    ]


def test_a_run_ends_though_the_org_refuses_all_images(gallery: Gallery) -> None:
    gallery.shop.writer.faults.plant("write", REFUSED, table="Page", after=1, times=9)
    outcome = gallery.restore(gallery.plan())
    assert gallery.without_image(outcome) == list(NAMES)
    assert gallery.updates == [3, 1, 2, 1, 1]


def test_a_full_storage_does_not_park_the_run_for_an_image(gallery: Gallery) -> None:
    full = RowRefused(FULL, "storage limit exceeded")
    gallery.shop.writer.faults.plant("row", full, table="Page", after=3, times=99)
    outcome = gallery.restore(gallery.plan())
    assert gallery.without_image(outcome) == list(NAMES)


def test_lost_answers_do_not_stop_the_run_for_an_image(gallery: Gallery) -> None:
    gallery.shop.writer.faults.plant("write", ReplyLost(), table="Page", after=1, times=99)
    outcome = gallery.restore(gallery.plan())
    assert gallery.without_image(outcome) == list(NAMES)


class Home:
    """A lost page with one image."""

    def __init__(self, shop: Atelier) -> None:
        self.shop = shop
        shop.org.add_table("Page", {"Name": TEXT, "Text": TEXT}, images=("Text",))
        self.page = shop.make("Page", "Home", Text="see")
        self.image = shop.org.paste("Page", self.page, "Text", PNG + b"picture")

    def plan(self) -> RestorePlan:
        self.shop.night()
        self.shop.lose("Page", self.page)
        self.shop.night()
        return self.shop.plan_of(("Page", self.page))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(Atelier(tmp_path))


def test_an_image_that_does_not_fit_into_a_call_is_left_out(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.shop.org.paste("Page", home.page, "Text", PNG + bytes(300))
    monkeypatch.setattr(sending, "ROW_BYTES", 300)
    outcome = home.shop.restore(home.plan())
    assert [d.reason for d in of(outcome, home.page).differences] == [IMAGE_LOST]
    assert [*home.shop.org.tables["Page"].images.values()] == [PNG + b"picture"]


def test_an_image_that_a_text_shows_many_times_counts_each_time(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sent as often as it is shown, so its bytes are needed as often."""
    text = f"{address(home.page, home.image)} " * 20
    home.shop.org.update("Page", home.page, {"Text": text})
    columns = home.shop.org.tables["Page"].columns
    columns["Text"] = replace(columns["Text"], length=len(text) + 19 * 20)
    plan = home.plan()
    assert IMAGES_LARGE in codes(plan)
    monkeypatch.setattr(sending, "ROW_BYTES", len(text) + 19 * 20)
    outcome = home.shop.restore(plan)
    assert [d.reason for d in of(outcome, home.page).differences] == [IMAGE_LOST]
    assert [call[0] for call in home.shop.writes()] == ["create"]


def crashed(gallery: Gallery, plan: RestorePlan, at: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run the plan; crash at a call of the pass of images; false if it made fewer calls."""
    shop, point = gallery.shop, CrashPoint()
    writer: Any = shop.writer
    shop.writer = point.guard(writer, after=True)
    shop.reopen(point.guard(shop.store, after=True, only=WRITES))

    def send_images(session: Any) -> None:
        point.at = point.calls + at
        sending.send_images(session)
        point.at = 0

    monkeypatch.setattr(running, "send_images", send_images)
    try:
        shop.restore(plan)
    except Crash:
        return True
    finally:
        monkeypatch.undo()
        shop.writer = writer
        shop.reopen()
    return False


def test_a_crash_at_any_call_with_images_loses_and_doubles_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(1, MOST):
        gallery = Gallery(Atelier(tmp_path / str(at)))
        plan = gallery.plan()
        if not crashed(gallery, plan, at, monkeypatch):
            assert at > 8
            return
        assert gallery.without_image(gallery.restore(plan)) == []
        assert [gallery.shown(name) for name in NAMES] == [
            gallery.picture(name) for name in NAMES
        ], f"crash at call {at}"
        assert len(gallery.shop.org.tables["Page"].images) == len(NAMES)
    raise AssertionError("the pass makes more calls than the test expects")
