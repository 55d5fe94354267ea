"""Archives in the console: planned from the storage page, run, shown, and undone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.app.shop import WRITER
from unit.web.conftest import SignIn
from unit.web.losses import choose, goes_on, live, plan_at_once, start
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.approval_policy import change
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.watch import WatchRequest, add_watch
from unlost.app.actions.restores.queued_restore import do_restore
from unlost.catalog.runs.runs import RunState
from unlost.model.access import Role
from unlost.model.approval import ApprovalPolicy
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.source.quota import Quota
from unlost.model.source.schema import (
    ColumnTrait,
    DeleteRule,
    Reference,
    TableTrait,
    WireKind,
)
from unlost.model.source.shared_files import FileRelease, SharedFile
from unlost.testing.org import ALL_TRAITS

POLICY = "closed-case"
BUTTON = ">Plan this archive<"


@dataclass
class Desk:
    """Three cases with a note each; the first two are closed."""

    world: World
    cases: list[str]

    def live(self, table: str) -> set[str]:
        """The ids of live records."""
        return {key for key, _ in self.world.connector.writer("one").platform.live(table)}

    def night(self) -> None:
        """Back up, and let a day pass."""
        backup(self.world.app, "sales")
        self.world.clock.advance(hours=20)

    def serve(self, run: str) -> RunState | None:
        """Run what the console queued."""
        return do_restore(self.world.app, run)


def filled_desk(world: World) -> Desk:
    """Cases under backup, and a write user."""
    live(world)
    org = world.org
    org.add_table("Case", {"Name": WireKind.TEXT, "Closed": WireKind.TEXT})
    org.add_table(
        "Note",
        {"Name": WireKind.TEXT, "Case": WireKind.REFERENCE},
        references={"Case": Reference(("Case",), DeleteRule.CASCADE)},
    )
    closed = ("true", "true", "false")
    cases = [org.create("Case", {"Name": f"Case {n}", "Closed": c}) for n, c in enumerate(closed)]
    for number, case in enumerate(cases):
        org.create("Note", {"Name": f"Note {number}", "Case": case})
    world.connector.source("one").quota = (Quota("data storage", 2.0**29, 2.0**30, "bytes"),)
    set_writer(world.app, WRITER)
    desk = Desk(world, cases)
    desk.night()
    return desk


filling = scene(filled_desk)


@pytest.fixture
def desk(world: World, filling: Lead, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    plan_at_once(monkeypatch)
    with goes_on(world, filling) as made:
        yield made


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def planned(client: Client) -> str:
    return choose(client, what="archive", policy=POLICY)


def archived(desk: Desk, client: Client) -> str:
    run = start(client, planned(client))
    assert desk.serve(run) is RunState.DONE
    return run


def test_a_compared_plan_does_not_move_archived_records_into_the_bin(
    desk: Desk, sign_in: SignIn
) -> None:
    """The words of the plan that was opened counted for the other one, too."""
    client = sign_in(Role.ADMIN)
    archive, restore = (
        planned(client),
        choose(client, what="records", record=f"Case/{desk.cases[2]}"),
    )
    other = archive.strip("/").rpartition("/")[2]
    shown = page(client, f"{restore}compare/?with={other}")
    assert "into the recycle bin" not in shown
    assert "Will leave the org; the vault keeps them" in shown


# --- the storage page -----------------------------------------------------------------------------


def test_the_storage_page_plans_an_archive(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.ADMIN)
    shown = page(client, "/orgs/sales/storage/?show=archive")
    assert shown.count(BUTTON) == 1
    assert f'name="policy" value="{POLICY}"' in shown
    assert "cannot move records into the archive yet" not in shown
    part = client.get("/orgs/sales/storage/?show=archive", headers={"HX-Request": "true"})
    assert BUTTON in part.content.decode(), "also when it is loaded into the page"


def test_the_storage_page_shows_other_effects_of_an_archive(desk: Desk, sign_in: SignIn) -> None:
    org = desk.world.org
    org.add_table(
        "Line",
        {"Price": WireKind.DECIMAL, "Order": WireKind.REFERENCE, "Closed": WireKind.TEXT},
        references={"Order": Reference(("Order",), DeleteRule.CASCADE)},
        traits=ALL_TRAITS | {TableTrait.UNDELETE},
    )
    table = org.add_table("Order", {"Total": WireKind.DECIMAL})
    summary = frozenset({ColumnTrait.SUMMARY})
    table.columns["Total"] = replace(table.columns["Total"], traits=summary)
    org.add_table(
        "LineHistory",
        {"Line": WireKind.REFERENCE},
        references={"Line": Reference(("Line",), DeleteRule.CASCADE)},
    )
    order = org.create("Order", {"Total": "30.5"})
    line = org.create("Line", {"Price": "10.5", "Order": order, "Closed": "true"})
    org.create("LineHistory", {"Line": line})
    org.create("Line", {"Price": "20", "Order": order, "Closed": "false"})
    org.delete("Line", org.create("Line", {"Closed": "false"}))
    storage = Quota("data storage", 1024.0, 2.0**20, "bytes")
    desk.world.connector.source("one").quota = (storage,)
    desk.world.clock.advance(days=1)
    desk.night()
    shown = page(sign_in(Role.VIEWER), "/orgs/sales/storage/?show=archive")
    for words in (
        "“Total” of 1 record of Order that stays would change from 30.50 to 20.",
        "Reports in the org lose the records that leave.",
        "only the vault would have them: <bdi>LineHistory</bdi>",
        "The recycle bin has 1 of at most 1 records. The archive would add 1 record.",
        "To make room, the org would purge 1 record that people deleted, before its time in",
    ):
        assert words in shown, words


def test_the_records_of_a_preview_cannot_be_opened(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    shown = page(client, "/orgs/sales/storage/?show=archive")
    assert "Some of the records that would leave" in shown
    links = re.findall(r'href="(/orgs/sales/records/Case/[^"]+)"', shown)
    assert links
    page(client, links[0])


def test_the_storage_page_shows_protected_records(desk: Desk, sign_in: SignIn) -> None:
    org = desk.world.org
    org.add_table("Order", {"Closed": WireKind.TEXT, "Active": WireKind.TEXT})
    org.create("Order", {"Closed": "true", "Active": "true"})
    desk.night()
    shown = page(sign_in(Role.VIEWER), "/orgs/sales/storage/?show=archive")
    assert "1 record is protected: " in shown
    assert "Active Order" in shown


def test_the_storage_page_counts_records_that_lose_files(
    desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = desk.world.org
    org.add_table("Paper", {"Name": WireKind.TEXT})
    cascade = DeleteRule.CASCADE
    org.add_table(
        "PaperLink",
        {"Paper": WireKind.REFERENCE, "Holder": WireKind.REFERENCE},
        references={
            "Paper": Reference(("Paper",), cascade),
            "Holder": Reference(("Order",), cascade),
        },
    )
    org.add_table("Order", {"Name": WireKind.TEXT})
    for paper in ("plan", "photo"):
        for _ in range(2):
            document = org.create("Paper", {"Name": paper})
            org.create("PaperLink", {"Paper": document, "Holder": org.create("Order", {})})
    desk.night()
    release = FileRelease("files-of-records", ("Order",))
    kind = SharedFile("Paper", "PaperLink", "Paper", "Holder", None, releases=(release,))
    plans = Condition("Name", Comparison.IS, ("plan",))
    policy = ArchivePolicy("plans", "Paper", (plans,), include=(release.name,))
    connector = type(desk.world.connector)
    monkeypatch.setattr(connector, "shared_files", lambda *_: (kind,))
    monkeypatch.setattr(connector, "archive_policies", lambda *_: (policy,))
    shown = page(sign_in(Role.VIEWER), "/orgs/sales/storage/?show=archive")
    assert "2 records of Orders would stay without their files. Files that leave: 2." in shown


def test_without_the_right_to_restore_no_archive_is_offered(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    assert BUTTON not in page(client, "/orgs/sales/storage/?show=archive")
    refused = client.post("/orgs/sales/restores/", {"what": "archive", "policy": POLICY})
    assert refused.status_code == 403


def test_a_policy_without_records_has_no_button(desk: Desk, sign_in: SignIn) -> None:
    for case in desk.cases[:2]:
        desk.world.org.update("Case", case, {"Closed": "false"})
    desk.night()
    shown = page(sign_in(Role.ADMIN), "/orgs/sales/storage/?show=archive")
    assert "No record is old enough." in shown
    assert BUTTON not in shown


def test_an_unknown_policy_is_an_error(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    answer = client.post("/orgs/sales/restores/", {"what": "archive", "policy": "mine"})
    assert answer.status_code == 404
    assert "archive-policy-unknown" in answer.content.decode()


# --- the plan -------------------------------------------------------------------------------------


def test_the_plan_page_says_archive(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    plan = planned(client)
    shown = page(client, plan)
    for words in (
        "<h1>Archive of sales</h1>",
        "Records that leave the org",
        "Will leave the org; the vault keeps them",
        "Archive 4 records of sales now",
        "Reports and totals in the org lose these records.",
        "Case 0",
    ):
        assert words in shown
    for words in ("Restore 4", "Only the selected records", "Storage needed", 'name="table"'):
        assert words not in shown
    records = page(client, f"{plan}records/Case/")
    assert "will leave the org; the vault keeps it" in records
    assert "Change values" not in records
    group = page(client, f"{plan}groups/Case/?record={desk.cases[0]}")
    assert "Change values" not in group
    assert 'aria-label="Archive Case 0"' in group
    assert desk.live("Case") == set(desk.cases), "nothing is deleted yet"
    runs = page(client, "/runs/")
    assert "Archive of 4 records of sales" in runs
    assert "4 records to sales" not in runs


def test_a_record_that_is_left_out_stays_with_its_group(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    plan = planned(client)
    case = f"Case/{desk.cases[0]}"
    fewer = client.post(f"{plan}without/", {"every-record": [case]})["Location"]
    shown = page(client, fewer)
    assert "Archive 2 records of sales now" in shown
    assert "Left out:" in shown
    groups = [f"Case/{case}" for case in desk.cases[:2]]
    left = client.post(f"{plan}without/", {"every-group": groups, "group": groups[1:]})["Location"]
    assert "Archive 2 records of sales now" in page(client, left)
    run = start(client, left)
    assert desk.serve(run) is RunState.DONE
    assert desk.live("Case") == {desk.cases[0], desk.cases[2]}
    assert len(desk.live("Note")) == 2


@pytest.mark.parametrize("form", [{"every-table": "Note"}, {"alone": "1"}])
def test_tables_are_not_torn_out_of_an_archive(
    desk: Desk, sign_in: SignIn, form: dict[str, str]
) -> None:
    client = sign_in(Role.RESTORER)
    answer = client.post(f"{planned(client)}without/", form)
    assert answer.status_code == 400
    assert "archive-by-record" in answer.content.decode()


def test_a_production_org_is_named_before_records_are_deleted(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    plan = planned(client)
    shown = page(client, plan)
    assert "second person" not in shown
    change(desk.world.app, "sales", ApprovalPolicy(deletes=True))
    shown = page(client, plan)
    assert "This archive waits for a second person" in shown
    assert "It deletes records." in shown
    assert "Archive 4 records of sales now" not in shown
    assert "1 plan waits for approval" in page(sign_in(Role.ADMIN), "/")


# --- the run --------------------------------------------------------------------------------------


def test_the_run_says_archived_and_is_undone(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    run = start(client, planned(client))
    waiting = page(client, f"/runs/{run}/")
    assert "<h1>Archive of sales</h1>" in waiting
    assert desk.serve(run) is RunState.DONE
    assert desk.live("Case") == {desk.cases[2]}
    done = page(client, f"/runs/{run}/")
    for words in (
        "Everything was archived",
        "Archived: deleted in the org, kept in the vault",
        "Undo: put the records back",
    ):
        assert words in done
    for words in ("Retry", "Differences from the backup", "needs attention", "Restore"):
        assert words not in re.sub(
            r"<nav.*?</nav>|<details.*?</details>", "", done, flags=re.DOTALL
        )
    undo = choose(client, what="undo", run=run)
    shown = page(client, undo)
    assert f'Undo of <a href="/runs/{run}/">' in shown
    assert "<h1>Undo of an archive of sales</h1>" in shown
    assert desk.serve(start(client, undo)) is RunState.DONE
    assert len(desk.live("Case")) == 3
    assert len(desk.live("Note")) == 3


def test_an_archived_record_that_is_left_out_does_not_come_back(
    desk: Desk, sign_in: SignIn
) -> None:
    client = sign_in(Role.RESTORER)
    undo = choose(client, what="undo", run=archived(desk, client))
    case = f"Case/{desk.cases[0]}"
    fewer = client.post(f"{undo}without/", {"every-record": [case]})["Location"]
    shown = page(client, fewer)
    assert "The undo leaves out 1 record of Case" in shown
    assert desk.serve(start(client, fewer)) is RunState.DONE
    assert len(desk.live("Case")) == 2, "one that never left, and one that came back"


def test_archives_are_filtered_in_the_list_of_runs(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    run = archived(desk, client)
    shown = page(client, "/runs/?kind=archive")
    assert '<option value="archive" selected>archives</option>' in shown
    assert f'href="/runs/{run}/">Archive</a>' in shown
    assert "Backup</a>" not in shown
    assert run not in page(client, "/runs/?kind=restore")


def test_a_record_that_stayed_shows_its_sentence_and_no_retry(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    plan = planned(client)
    desk.world.clock.advance(hours=0.2)
    desk.world.org.update("Case", desk.cases[0], {"Name": "Open again"})
    run = start(client, plan)
    assert desk.serve(run) is RunState.DONE
    done = page(client, f"/runs/{run}/")
    assert "2 records need attention" in done
    assert "was changed in the org after the backup. It stays there." in done
    assert "A new plan after the next backup can include the records that stayed." in done
    assert "/retry/" not in done
    assert desk.live("Case") == {desk.cases[0], desk.cases[2]}


# --- archived records -----------------------------------------------------------------------------


def test_an_archived_record_says_so_everywhere(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    archived(desk, client)
    desk.night()
    client = sign_in(Role.RESTORER, org="sales")
    for tab in ("", "fields/"):
        shown = page(client, f"/orgs/sales/records/Case/{desk.cases[0]}/{tab}")
        assert re.search(r'<span class="pill">Archived on <time', shown), tab
        assert '<span class="pill lost">' not in shown
    hits = page(client, "/find/?all=1&q=Case")
    assert hits.count('<span class="pill">Archived on <time') == 2
    assert "deleted</span>" not in hits


def test_a_comparison_calls_archived_records_lost(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    run = archived(desk, client)
    desk.night()
    client = sign_in(Role.RESTORER, org="sales")
    tables = page(client, "/orgs/sales/compare/")
    assert '<span class="phone">Lost: </span>0' in tables
    assert '<span class="phone">Archived: </span>2' in tables
    assert "Only tables with archived records." in page(
        client, "/orgs/sales/compare/?kind=archived"
    )
    shown = page(client, "/orgs/sales/compare/?table=Case")
    assert shown.count('<span class="pill">archived</span>') == 2
    assert shown.count(f'<a href="/runs/{run}/">the run</a>') == 2
    assert '<span class="pill lost">' not in shown
    assert f'name="record" value="Case/{desk.cases[0]}"' in shown, "it can be brought back"
    only = page(client, "/orgs/sales/compare/?table=Case&kind=archived")
    assert "Select all 2 records" in only
    listed = page(
        client, "/orgs/sales/list/?kind=changed&change=archived&table=Case&older=2&newer=latest"
    )
    assert "Archived between backups 2 and 4" in listed
    assert "Case 0" in listed
    assert listed.count('<span class="pill">archived</span>') == 2
    assert '<span class="pill lost">' not in listed
    related = page(client, f"/orgs/sales/records/Case/{desk.cases[0]}/related/")
    assert '<span class="pill">1 archived</span>' in related
    assert '<span class="pill lost">' not in related
    assert "Case 2" not in listed


def test_archived_records_are_listed_as_lost(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    archived(desk, client)
    desk.night()
    shown = page(sign_in(Role.RESTORER, org="sales"), "/orgs/sales/lost/")
    assert "No records were lost" in shown
    assert "4 records were archived meanwhile. They are not lost." in shown


def test_the_inbox_names_the_archive_and_no_user(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    run = archived(desk, client)
    desk.night()
    client = sign_in(Role.RESTORER, org="sales")
    assert "No open losses" in page(client, "/losses/")
    shown = page(client, "/losses/?state=folded")
    assert "Not a loss: Unlost took it out of the org, and the vault has it." in shown
    assert f'<a href="/runs/{run}/">the run</a>' in shown
    assert "Deleted" not in re.sub(
        r"<nav.*?</nav>|<details.*?</details>", "", shown, flags=re.DOTALL
    )
    assert "Preview restore" in shown


def test_histories_and_watched_sets_call_archived_records_deleted(
    desk: Desk, sign_in: SignIn
) -> None:
    desk.world.clock.advance(days=40)  # the set was there at the beginning of the shown period
    desk.night()
    client = sign_in(Role.RESTORER)
    watched = WatchRequest("mine", records=(f"Case/{desk.cases[0]}",), deletions=True)
    add_watch(desk.world.app, "sales", watched)
    run = archived(desk, client)
    desk.night()
    client = sign_in(Role.RESTORER, org="sales")
    for path in (f"/orgs/sales/records/Case/{desk.cases[0]}/", "/orgs/sales/watched/mine/"):
        shown = page(client, path)
        assert '<li class="archived">' in shown
        assert f'<a href="/runs/{run}/">the run</a>' in shown
        assert '<li class="deleted">' not in shown
    assert "Preview: bring this record back" in shown
    assert '<option value="archived">archived</option>' in shown


def test_the_reason_of_a_record_that_stays_is_not_english_in_an_arabic_console(
    desk: Desk, sign_in: SignIn
) -> None:
    client = sign_in(Role.ADMIN)
    plan = planned(client)
    desk.world.clock.advance(seconds=60)
    desk.world.org.update("Case", desk.cases[0], {"Name": "in use"})
    run = start(client, plan)
    desk.serve(run)
    english = "was changed in the org after the backup"
    assert english in page(client, f"/runs/{run}/")
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ar"
    shown = page(client, f"/runs/{run}/")
    assert english not in shown
    assert f"تغيّر <bdi>Case/{desk.cases[0]}</bdi> في المؤسسة بعد النسخة الاحتياطية." in shown
    assert "يمكن أن تشمله خطة جديدة بعد النسخة الاحتياطية التالية." in shown, "the next step, too"
