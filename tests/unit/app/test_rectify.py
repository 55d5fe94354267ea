"""Rectifying from a home: the vault, its database, and what is told of it."""

from typing import Any

import pytest

import scanner
from homes import World
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.people.audit import list_events
from unlost.app.actions.retention.erase import erasures
from unlost.app.actions.retention.holds import HoldRequest, hold
from unlost.app.actions.retention.rectify import CorrectionRequest, plan, rectify
from unlost.app.actions.vault.compact import compact
from unlost.app.actions.vault.verify import verify
from unlost.app.retention import scrubbing
from unlost.catalog.models import AlertRow, Org, PlanRow, ScrubRow, SelectionRow
from unlost.catalog.orgs.orgs import get_org
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.message import Message
from unlost.model.org import OrgIdentity
from unlost.model.vault.snapshot import CommitKind, Lineage, TableCommit, VerifyLevel

WRONG = "Schoko Z\u00fcrich"
KEY = "A40017"
WISH = CorrectionRequest(f"Account/{KEY}", ("Name=Chocolat Gen\u00e8ve",))


def done(world: World, wish: CorrectionRequest = WISH) -> None:
    rectify(world.app, "sales", wish, plan=plan(world.app, "sales", wish).digest)


def test_the_plan_says_what_is_done(year: World) -> None:
    before = versions(year)
    seen = plan(year.app, "sales", WISH)
    assert seen.columns == seen.current == ("Account.Name",)
    assert [one.table for one in seen.tables] == ["Account"]
    told = rectify(year.app, "sales", WISH, plan=seen.digest)
    assert told.versions == sum(one.versions for one in seen.tables) == len(before)
    assert told.snapshot is not None
    assert {one["Name"] for one in versions(year)} == {"Chocolat Gen\u00e8ve"}
    (line,) = erasures(year.app, "sales").erasures
    assert (line.by, line.columns, line.complete) == ("admin", ("Account.Name",), True)
    assert scanner.found(year.vault, WRONG) == set()
    assert verify(year.app, level=VerifyLevel.DEEP).whole
    year.clock.advance(days=1)
    backup(year.app, "sales")  # the org still says so
    assert versions(year)[-1]["Name"] == WRONG


def versions(world: World) -> list[dict[str, Any]]:
    found = world.app.whole_vault.history(get_org("sales").oid, "Account", KEY)
    return [dict(one.cells) for one in found if one.cells]


def test_the_log_of_the_org_is_corrected_too(year: World) -> None:
    """It tells old and new values of the column."""
    (first, *_) = {one["Phone"] for one in versions(year)[1:2]}
    wish = CorrectionRequest(f"Account/{KEY}", ("Phone=+41 1",), was=first)
    seen = plan(year.app, "sales", wish)
    assert len(seen.tables) == 2
    done(year, wish)
    assert first not in {one["Phone"] for one in versions(year)}
    assert verify(year.app, level=VerifyLevel.DEEP).whole


def test_the_audit_tells_that_it_was_done_and_not_of_whom(year: World) -> None:
    done(year)
    (deed, *_) = [
        one.deed for one in list_events(year.app, org="sales").entries if one.deed.trace == "write"
    ]
    assert (deed.act, deed.outcome) == ("rectify.run", "done")
    assert KEY not in repr(deed)
    assert "Gen" not in repr(deed)


@pytest.fixture
def planted(year: World) -> World:
    """A home in which the value stands wherever it may."""
    org = Org.objects.get(name="sales")
    now = year.clock.now()
    AlertRow.objects.create(
        key=f"lost/{KEY}", rule="lost", org="sales", subject=f"Account/{KEY}", urgency="high",
        message=Message("lost", f"{WRONG} ({KEY}) was lost."), command="", opened_at=now,
    )  # fmt: skip
    for name, named in (("p1", KEY), ("p2", "A40019")):
        PlanRow.objects.create(
            id=name, org=org, made_at=now, made_by="ada", state="made",
            request={"records": [f"Account/{named}"]},
            content=f'["{named}", "{WRONG}"]'.encode() if named == KEY else b"[]",
        )  # fmt: skip
    ticked = [f"Account/{KEY}", "Account/A40019"]
    SelectionRow.objects.create(org=org, by="ada", of="lost", at=now, records=ticked)
    year.app.cache(org.oid).put("described", WRONG.encode())
    return year


def in_home(world: World) -> list[str]:
    """Files of a home in which the wrong value stands."""
    files = [one for one in world.home.root.rglob("*") if one.is_file()]
    return [one.name for one in files if WRONG.encode() in one.read_bytes()]


def check_clean(world: World) -> None:
    assert in_home(world) == []
    assert PlanRow.objects.values_list("id", flat=True).get() == "p2"
    assert SelectionRow.objects.get().records == [f"Account/{KEY}", "Account/A40019"]
    assert str(AlertRow.objects.get(rule="lost").message).endswith("has since been corrected.")
    assert world.app.cache(get_org("sales").oid).get("described") is None
    assert ScrubRow.objects.count() == 0


def test_the_home_knows_nothing_of_it_afterwards(planted: World) -> None:
    assert in_home(planted)
    done(planted)
    check_clean(planted)
    done(planted)  # again: there is nothing to do, and nothing fails
    assert ScrubRow.objects.count() == 0


def test_a_home_that_was_cut_off_before_it_was_clean_is_cleaned_by_upkeep(
    planted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cut(BaseException):
        pass

    def cut(*_: object, **__: object) -> int:
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(scrubbing, "scrub", cut)
        with pytest.raises(Cut):
            done(planted)
    assert in_home(planted)
    compact(planted.app, "sales")
    check_clean(planted)


def test_what_is_held_or_changed_since_is_not_corrected(year: World) -> None:
    seen = plan(year.app, "sales", WISH)
    other = CorrectionRequest(WISH.record, ("Name=Another",))
    with pytest.raises(Conflict) as caught:
        rectify(year.app, "sales", other, plan=seen.digest)
    assert caught.value.code == "rectify-changed"
    hold(year.app, "sales", HoldRequest(record=WISH.record, reason="lawsuit"))
    with pytest.raises(Conflict) as caught:
        rectify(year.app, "sales", WISH, plan=seen.digest)
    assert caught.value.code == "rectify-held"
    assert erasures(year.app, "sales").erasures == ()


@pytest.mark.parametrize(
    ("record", "value", "code"),
    [
        ("Account", "Name=x", "record-unreadable"),
        (WISH.record, "Name", "rectify-unreadable"),
        (WISH.record, "=x", "rectify-unreadable"),
        (WISH.record, "Never=x", "column-unknown"),
        (WISH.record, "Id=A1", "rectify-fixed"),
        ("Account/A999", "Name=x", "record-unknown"),
    ],
)
def test_what_is_wished_must_make_sense(year: World, record: str, value: str, code: str) -> None:
    with pytest.raises((UsageError, NotFound)) as caught:
        plan(year.app, "sales", CorrectionRequest(record, (value,)))
    assert caught.value.code == code


def test_a_wrong_value_may_be_one_that_the_column_cannot_hold(year: World) -> None:
    for was in ("x" * 999, ""):
        seen = plan(year.app, "sales", CorrectionRequest(WISH.record, WISH.values, was=was))
        assert seen.columns == ()
    wish = CorrectionRequest(WISH.record, ("Name=",), was=WRONG)
    done(year, wish)
    assert {one["Name"] for one in versions(year)} == {None}


def test_what_stands_for_it_in_another_org_is_told(year: World) -> None:
    vault, oid = year.app.whole_vault, get_org("sales").oid
    other = vault.ensure_org(OrgIdentity("memory", "T9", label="Sandbox"))
    commit = vault.begin(oid, run="r1", kind=CommitKind.RESTORE, identity=vault.orgs()[oid])
    rows = [Lineage("Account", KEY, live, other, "r1") for live in ("X1",)]
    commit.finish([TableCommit("$lineage", (commit.lineage(rows),))], as_of=year.clock.now())
    seen = plan(year.app, "sales", WISH)
    assert [(one.org, one.records) for one in seen.elsewhere] == [(other, 1)]
