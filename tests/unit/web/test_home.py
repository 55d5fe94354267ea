"""Home: status with its reason, the last 30 days, growth, and runs with their expected end."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from homes import World
from unit.web.conftest import SignIn
from unlost.app.actions.alerts.overview import overview
from unlost.app.actions.backups.backup import backup
from unlost.catalog.runs.runs import RunEnd, RunState, begin_run, end_run
from unlost.model.access import Role
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import Message
from unlost.model.source.quota import Quota
from unlost.model.vault.snapshot import CommitKind

GAP = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Mail is hidden.", "Allow it.", "Mail")


def home(client: Client) -> str:
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.content.decode()


def night(world: World) -> int:
    world.clock.advance(days=1)
    return backup(world.app, "sales").snapshot


def days(page: str) -> list[tuple[str, str, str]]:
    """The cells of the strip: class, address, and text for screen readers."""
    cells = re.findall(
        r'<li><(?:a|span) class="day ([\w-]+)" title="[^"]+"(?: href="([^"]+)")?>'
        r'<span aria-hidden="true">[^<]+</span><span class="sr">([^<]+)</span>', page
    )  # fmt: skip
    return [(kind, link, text) for kind, link, text in cells]


def test_each_day_is_a_cell_that_leads_to_its_certificate(world: World, sign_in: SignIn) -> None:
    complete = night(world)
    world.org.findings = [GAP]
    incomplete = night(world)
    world.clock.advance(days=1)
    now = world.clock.now()
    begin_run("r1", org="sales", kind=CommitKind.BACKUP, full=False, at=now)
    end_run("r1", RunEnd(RunState.FAILED, now, error=Message("away", "The org was away.")))
    cells = days(home(sign_in(Role.VIEWER)))
    assert len(cells) == 30
    assert cells[-4][0] in ("protected", "no-backup")
    assert [(kind, link) for kind, link, _ in cells[-3:]] == [
        ("protected", f"/orgs/sales/certificate/{complete}/"),
        ("incomplete", f"/orgs/sales/certificate/{incomplete}/"),
        ("failed", ""),
    ]
    assert cells[-1][2] == f"{now:%Y-%m-%d}: Failed"


def test_a_status_other_than_protected_has_its_reason(world: World, sign_in: SignIn) -> None:
    world.clock.advance(hours=40)
    page = home(sign_in(Role.VIEWER))
    assert '<span class="pill at-risk">At risk</span>' in page
    assert "hours old." in page
    world.org.findings = [GAP]
    night(world)
    page = home(sign_in())
    assert '<span class="pill incomplete">Incomplete</span>' in page
    assert "The newest backup has 1 open gap." in page


def test_growth_is_drawn_with_its_values_and_an_empty_chart_says_what_is_missing(
    world: World, sign_in: SignIn
) -> None:
    bare = home(sign_in(Role.VIEWER))
    assert "The chart appears after the second backup." in bare
    assert "No backup has reported storage usage yet." in bare
    for used in (10e9, 12e9):
        world.connector.source("one").quota = (Quota("data storage", used, 100e9, "bytes"),)
        night(world)
    page = home(sign_in())
    assert page.count('class="chart growth"') == 2
    assert re.search(r'aria-label="Records: \d+ on [\d-]+, \d+ on [\d-]+"', page)
    assert re.search(r'aria-label="Data storage: 10\.0 GB on [\d-]+, 12\.0 GB on [\d-]+"', page)
    assert "+2.0 GB" in page


def test_a_running_backup_has_its_expected_end(world: World, sign_in: SignIn) -> None:
    runs = [("r0", 20, RunState.DONE), ("r1", 5, RunState.RUNNING)]
    for run, minutes, state in runs:
        world.clock.advance(days=1)
        now = world.clock.now()
        begun = now - timedelta(minutes=minutes)
        begin_run(run, org="sales", kind=CommitKind.BACKUP, full=False, at=begun)
        if state is RunState.DONE:
            end_run(run, RunEnd(state, now))
    (known,) = overview(world.app).orgs[0].going
    assert known.ends_at is not None
    assert known.ends_at - world.clock.now() <= timedelta(minutes=15)
    page = home(sign_in())
    assert "Expected to end:" in page
    assert "<progress" in page


def test_the_days_of_an_org_are_also_a_table(world: World, sign_in: SignIn) -> None:
    world.connector.source("one").quota = (Quota("data storage", 5e9, 100e9, "bytes"),)
    night(world)
    page = sign_in().get("/orgs/sales/").content.decode()
    assert "The last 30 days as a table" in page
    assert page.count('data-label="Data storage"') == 30
    assert "5.0 GB" in page
    assert "Why this status" in page


@pytest.mark.parametrize("place", ["/", "/orgs/sales/"])
def test_a_page_does_not_read_the_certificates_of_all_days(
    world: World, sign_in: SignIn, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        night(world)
    client = sign_in()
    read: list[int] = []
    from unlost.vault.read.snapshot import VaultSnapshot

    known = VaultSnapshot.certificate
    monkeypatch.setattr(
        VaultSnapshot,
        "certificate",
        lambda snapshot: read.append(snapshot.info.number) or known(snapshot),
    )
    assert client.get(place).status_code == 200
    assert len(read) <= (0 if place == "/" else 1)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_counts_of_changes_were_no_links(world: World, sign_in: SignIn, role: Role) -> None:
    one, *others = list(world.org.tables["Account"].records)
    for number in range(2):
        world.org.create("Account", {"Name": f"Customer {number}"})
    world.org.update("Account", one, {"Phone": "1"})
    world.org.delete("Account", others[0])
    number = night(world)
    client, pair = sign_in(role), f"?a={number - 1}&amp;b={number}"
    created = f'<a href="/orgs/sales/compare/{pair}&amp;kind=created">3 created</a>'
    changed = f'<a href="/orgs/sales/compare/{pair}&amp;kind=changed">1 changed</a>'
    deleted = f'<a href="/orgs/sales/lost/{pair}">1 deleted</a>'
    assert f"{created}, {changed}, {deleted}" in home(client)
    table = f'{pair}&amp;kind=created&amp;table=Account">2<span class="sr"> created</span></a>'
    lost = f'/orgs/sales/lost/{pair}&amp;table=Account">1<span class="sr"> deleted</span></a>'
    for page in (f"/orgs/sales/certificate/{number}/", "/orgs/sales/"):
        told = client.get(page).content.decode()
        assert table in told
        assert lost in told
    address = f"/orgs/sales/compare/?a={number - 1}&b={number}"
    only = client.get(f"{address}&kind=changed").content.decode()
    assert "Only tables with changed records." in only
    assert f"a={number - 1}&amp;b={number}&amp;kind=changed&amp;table=Account" in only
    none = client.get(f"{address}&kind=revived").content.decode()
    assert "No differences" in none
    assert "Show all differences" in none


def test_the_first_backup_has_nothing_to_compare_with(world: World, sign_in: SignIn) -> None:
    page = sign_in().get("/orgs/sales/certificate/1/").content.decode()
    assert "/compare/?a=" not in page
