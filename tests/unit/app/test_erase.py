"""Erasing from a home: the vault, its database, caches, copies in the vault, and what is told of it."""

from typing import Any

import pytest
import zstandard

import scanner
from homes import World
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.people.audit import list_events
from unlost.app.actions.retention.erase import ErasureRequest, erase, erasures, plan
from unlost.app.actions.retention.holds import HoldRequest, hold
from unlost.app.actions.vault.compact import compact
from unlost.app.actions.vault.verify import verify
from unlost.app.retention import scrubbing
from unlost.app.vault.home_copy import after_change
from unlost.catalog.models import AlertRow, Org, PlanRow, Run, ScrubRow, SelectionRow
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.records.belonging import with_belongings
from unlost.model.errors import Conflict, NotFound, StoreError, UsageError
from unlost.model.message import message
from unlost.model.org import OrgIdentity
from unlost.model.plan import RecordKey
from unlost.model.runs.exclusion import RunKind
from unlost.model.vault.snapshot import CommitKind, Lineage, TableCommit, VerifyLevel

GONE = "A40017"
WISH = ErasureRequest((f"Account/{GONE}",), match=("Account.Number",))


def done(world: World, wish: ErasureRequest = WISH) -> None:
    erase(world.app, "sales", wish, plan=plan(world.app, "sales", wish).digest)


def test_the_plan_says_what_is_done(year: World) -> None:
    seen = plan(year.app, "sales", WISH)
    assert (seen.unknown, seen.values) == (0, 1)
    account, log = seen.tables  # what the org's own log tells of it goes too
    assert (account.table, account.versions, account.alive) == ("Account", 10, 1)
    assert seen.records == 1 + log.records > 10
    told = erase(year.app, "sales", WISH, plan=seen.digest)
    assert (told.records, told.snapshot) == (seen.records, 11)
    (line,) = erasures(year.app, "sales").erasures
    assert (line.by, line.listed, line.complete) == ("admin", seen.records + 2, True)
    assert line.tables == seen.tables
    year.org.update("Account", GONE, {"Phone": "+41 999999"})
    year.clock.advance(days=1)
    backup(year.app, "sales")
    vault, oid = year.vault, get_org("sales").oid
    assert list(vault.history(oid, "Account", GONE)) == []
    assert verify(year.app, level=VerifyLevel.DEEP).whole
    assert scanner.found(vault, GONE, "Schoko Zürich", "+41 999999") == set()


def test_the_audit_tells_that_it_was_done_and_not_of_whom(year: World) -> None:
    done(year)
    (deed, *_) = [
        one.deed for one in list_events(year.app, org="sales").entries if one.deed.trace == "write"
    ]
    assert (deed.act, deed.outcome) == ("erase.run", "done")
    assert GONE not in repr(deed)


@pytest.fixture
def planted(year: World) -> World:
    """A home in which the id stands wherever it may."""
    org = Org.objects.get(name="sales")
    run = Run.objects.filter(org=org).first()
    assert run is not None
    text = message("lost", "{file} of Account {record} is gone.", file="cv.pdf", record=GONE)
    Run.objects.filter(pk=run.pk).update(error=text)
    now = year.clock.now()
    AlertRow.objects.create(
        key=f"lost/{GONE}", rule="lost", org="sales", subject=f"Account/{GONE}", urgency="high",
        message=text, command="", opened_at=now,
    )  # fmt: skip
    for name, named in (("p1", GONE), ("p2", "A40019")):
        PlanRow.objects.create(
            id=name, org=org, made_at=now, made_by="ada", state="made",
            request={"records": [f"Account/{named}"]}, content=f'["{named}"]'.encode(),
        )  # fmt: skip
    ticked = [f"Account/{GONE}", "Account/A40019"]
    SelectionRow.objects.create(org=org, by="ada", of="lost", at=now, records=ticked)
    after_change(year.app)
    year.app.cache(org.oid).put("described", GONE.encode())
    left = year.home.work / run.id
    left.mkdir(parents=True)
    (left / "census").write_text(GONE)
    year.app.steps.keep(run.id, "census", "Account", GONE.encode(), at=now)  # a kill left it
    return year


def test_the_home_knows_nothing_of_it_afterwards(planted: World) -> None:
    org = get_org("sales")
    assert in_home(planted)
    done(planted)
    assert in_home(planted) == []
    assert PlanRow.objects.values_list("id", flat=True).get() == "p2"
    assert SelectionRow.objects.get().records == ["Account/A40019"]
    assert str(AlertRow.objects.get(rule="lost").message).startswith("This concerned a record")
    assert planted.app.cache(org.oid).get("described") is None
    homes = planted.vault.homes
    (number,) = homes.numbers()
    assert GONE.encode() not in zstandard.decompress(homes.get(number), max_output_size=1 << 30)
    done(planted)  # again: there is nothing to do, and nothing fails


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
    with planted.app.lease.hold(get_org("sales").oid, kind=RunKind.BACKUP, run="n"):
        compact(planted.app, "sales")  # a backup is under way: later
    assert in_home(planted)
    compact(planted.app, "sales")
    assert in_home(planted) == []
    assert PlanRow.objects.values_list("id", flat=True).get() == "p2"
    assert ScrubRow.objects.count() == 0


def test_what_an_erasure_that_came_to_nothing_was_about_is_kept_and_its_note_forgotten(
    planted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = plan(planted.app, "sales", WISH).digest
    vault = type(planted.vault)

    def away(self: Any, org: str, agreed: Any, *, before_write: Any, **_: object) -> None:
        before_write(self.plan(org, agreed.operation).effect)
        raise StoreError("store-failed", "The store did not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(vault, "apply", away)
        with pytest.raises(StoreError):
            erase(planted.app, "sales", WISH, plan=seen)
    compact(planted.app, "sales")
    assert ScrubRow.objects.count() == 1  # its commit may still come
    planted.clock.advance(days=2)
    compact(planted.app, "sales")
    assert ScrubRow.objects.count() == 0
    assert PlanRow.objects.count() == 2


def in_home(world: World) -> list[str]:
    """Files of a home in which the id stands."""
    files = [one for one in world.home.root.rglob("*") if one.is_file()]
    return [one.name for one in files if GONE.encode() in one.read_bytes()]


def test_what_is_held_or_changed_since_is_not_erased(year: World) -> None:
    seen = plan(year.app, "sales", WISH)
    with pytest.raises(Conflict) as caught:
        erase(year.app, "sales", ErasureRequest(("Account/A40019",)), plan=seen.digest)
    assert caught.value.code == "erase-changed"
    hold(year.app, "sales", HoldRequest(record=f"Account/{GONE}", reason="lawsuit"))
    with pytest.raises(Conflict) as caught:
        erase(year.app, "sales", WISH, plan=seen.digest)
    assert caught.value.code == "erase-held"
    assert erasures(year.app, "sales").erasures == ()


def test_what_is_wished_must_be_readable(year: World) -> None:
    for wish in (
        ErasureRequest(("Account",)),
        ErasureRequest((f"Account/{GONE}",), match=("Number",)),
        ErasureRequest((f"Account/{GONE}",), match=(".Number",)),
    ):
        with pytest.raises(UsageError):
            plan(year.app, "sales", wish)
    with pytest.raises(NotFound):
        plan(year.app, "nobody", WISH)


def test_what_stands_for_it_in_another_org_is_told(year: World) -> None:
    vault, oid = year.app.whole_vault, get_org("sales").oid
    other = vault.ensure_org(OrgIdentity("memory", "T9", label="Sandbox"))
    commit = vault.begin(oid, run="r1", kind=CommitKind.RESTORE, identity=vault.orgs()[oid])
    rows = [Lineage("Account", GONE, live, other, "r1") for live in ("X1",)]
    commit.finish([TableCommit("$lineage", (commit.lineage(rows),))], as_of=year.clock.now())
    seen = plan(year.app, "sales", WISH)
    assert [(one.org, one.records) for one in seen.elsewhere] == [(other, 1)]


def test_with_what_the_org_deletes_with_it(year: World) -> None:
    seen = plan(year.app, "sales", ErasureRequest((f"Account/{GONE}",), related=True))
    assert len(seen.tables) == 2  # nothing but its log belongs to an account there
    head = year.app.whole_vault.newest_backup(get_org("sales").oid)
    assert head is not None
    user = RecordKey("User", "U1")
    assert with_belongings(head, [user]) == (user,)
