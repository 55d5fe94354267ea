"""The certificate page: numbers that differ stand first, and gaps are accepted on it."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from homes import World
from scenes import Lead, scene
from unit.web.conftest import SignIn
from unit.web.losses import goes_on, live
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.org_page import is_whole, ranked
from unlost.catalog.gaps import accepted_gaps
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import newest
from unlost.model.access import Role
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.vault.certificate import TableLine

GAP = Finding(FindingKind.PERMISSION_MISSING, Severity.GAP, "Mail is hidden.", "Allow it.", "Mail")
TASKS = replace(GAP, sentence="Tasks are hidden.", table="Task")
LIST = replace(GAP, kind=FindingKind.TABLE_REFUSED, sentence="The list is refused.", table="List")
LATEST = "/orgs/sales/certificate/latest/"
ACCEPT, REOPEN = "/orgs/sales/gaps/accept/", "/orgs/sales/gaps/reopen/"


def with_gap(world: World) -> None:
    """The newest backup has a gap."""
    live(world)
    world.org.findings = [GAP]
    backup(world.app, "sales")


gap_seen = scene(with_gap)


@pytest.fixture
def hidden(world: World, gap_seen: Lead) -> Iterator[World]:
    """The newest backup has a gap."""
    with goes_on(world, gap_seen):
        yield world


def hidden_value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_gap_is_accepted_with_a_reason_and_reopened(hidden: World, sign_in: SignIn) -> None:
    client = sign_in(Role.OPERATOR)
    page = client.get(LATEST).content.decode()
    gap = hidden_value(page, "gap")
    done = client.post(ACCEPT, {"gap": gap, "reason": "Legal forbids it."}, follow=True)
    told = done.content.decode()
    assert done.status_code == 200
    assert "1 gap is accepted." in told
    assert "Legal forbids it." in told
    assert "There are no open gaps." in told
    assert '<span class="pill ok">complete</span>' in told
    assert "Complete, except for accepted gaps: 1." in told
    org = client.get("/orgs/sales/").content.decode()
    assert '<span class="pill protected">Protected</span>' in org
    assert "1 accepted gap" in org
    number = hidden_value(told, "acceptance")
    told = client.post(REOPEN, {"acceptance": number}, follow=True).content.decode()
    assert '<span class="pill incomplete">Incomplete</span>' in told
    assert "1 ended acceptance" in told


def test_all_gaps_of_a_kind_are_accepted_with_one_reason(world: World, sign_in: SignIn) -> None:
    world.org.findings = [GAP, TASKS, LIST]
    backup(world.app, "sales")
    client = sign_in(Role.OPERATOR)
    page = client.get(LATEST).content.decode()
    assert "Select all 2 gaps of this kind" in page
    assert page.count('name="kind"') == 1, "a kind with one gap needs no such box"
    of_kind = hidden_value(page, "of-permission-missing")
    sent = {"kind": "permission-missing", "of-permission-missing": of_kind, "reason": "Legal."}
    told = client.post(ACCEPT, sent, follow=True).content.decode()
    assert "2 gaps are accepted." in told
    assert "Incomplete, with 1 open gap, 2 accepted:" in told
    assert "2 accepted gaps" in told
    deeds = [entry.deed for entry in newest(most=50) if entry.deed.act == "gap.accept"]
    assert {deed.subject: deed.outcome for deed in deeds} == dict.fromkeys(of_kind.split(), "done")
    assert {deed.detail["table"] for deed in deeds} == {"Mail", "Task"}
    assert all(deed.intent for deed in deeds)


def test_selected_gaps_and_the_reason_survive_an_error(world: World, sign_in: SignIn) -> None:
    world.org.findings = [GAP, TASKS]
    backup(world.app, "sales")
    client = sign_in(Role.OPERATOR)
    ids = re.findall(r'name="gap" value="([^"]+)"', client.get(LATEST).content.decode())
    none = client.post(ACCEPT, {"reason": "Legal."})
    assert none.status_code == 400
    assert "No gap was selected." in none.content.decode()
    assert 'value="Legal."' in none.content.decode()
    gone = client.post(ACCEPT, {"gap": [ids[0], "0123456789"], "reason": "Legal."})
    assert gone.status_code == 404
    page = gone.content.decode()
    assert "has no gap 0123456789" in page
    assert f'value="{ids[0]}" checked' in page
    assert accepted_gaps(get_org("sales").oid) == (), "if one cannot be accepted, none is"


def test_without_a_reason_nothing_is_accepted(hidden: World, sign_in: SignIn) -> None:
    client = sign_in(Role.OPERATOR)
    gap = hidden_value(client.get(LATEST).content.decode(), "gap")
    answer = client.post(ACCEPT, {"gap": gap, "reason": " "})
    assert answer.status_code == 400
    assert "can only be accepted with a reason" in answer.content.decode()
    assert accepted_gaps(get_org("sales").oid) == ()
    assert client.post(ACCEPT, {"gap": "0", "reason": "x"}).status_code == 404
    assert client.post(REOPEN, {"acceptance": "9" * 30}).status_code == 404


def test_a_viewer_may_not_accept(hidden: World, sign_in: SignIn) -> None:
    gap = hidden_value(sign_in(Role.OPERATOR).get(LATEST).content.decode(), "gap")
    client = sign_in(Role.VIEWER)
    assert 'name="gap"' not in client.get(LATEST).content.decode()
    assert client.post(ACCEPT, {"gap": gap, "reason": "x"}).status_code == 403
    assert client.post(REOPEN, {"acceptance": "1"}).status_code == 403


def test_only_gaps_of_the_newest_backup_are_accepted(hidden: World, sign_in: SignIn) -> None:
    backup(hidden.app, "sales")
    page = sign_in().get("/orgs/sales/certificate/2/").content.decode()
    assert "Only gaps of the newest backup can be accepted." in page
    assert 'name="gap"' not in page


# --- numbers --------------------------------------------------------------------------------------


def line(table: str, live: int | None, stored: int, *gaps: Finding) -> TableLine:
    return TableLine(
        table, table, "", live, stored, 0, 0, 0, full=False, window_start=None, window_end=None,
        findings=gaps,
    )  # fmt: skip


def test_differing_tables_stand_first_then_those_with_gaps_then_the_largest(
    hidden: World,
) -> None:
    proof = hidden.app.vault.at(get_org("sales").oid, 2).certificate()
    assert proof is not None
    lines = (
        line("Small", 5, 5), line("Large", 90, 90), line("Uncounted", None, 7),
        line("Gap", 3, 3, GAP), line("Short", 9, 4), line("Long", 9, 12),
    )  # fmt: skip
    order = [one.table for one in ranked(replace(proof, tables=lines))]
    assert order == ["Long", "Short", "Gap", "Large", "Uncounted", "Small"]
    assert [one.table for one in lines if is_whole(one)] == ["Small", "Large", "Uncounted"]
    assert lines[4].difference == -5


def test_numbers_that_differ_are_marked_and_equal_ones_folded(
    hidden: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.web.pages.backups.certificate.FOLDED", 1)
    from unlost.web.pages.backups import certificate

    known = certificate.certified

    def differing(*given: object, **named: object) -> object:
        shown = known(*given, **named)  # type: ignore[arg-type]
        first, *rest = shown.certificate.tables
        changed = replace(first, live=first.stored + 3, label="Odd")
        return replace(shown, certificate=replace(shown.certificate, tables=(changed, *rest)))

    monkeypatch.setattr(certificate, "certified", differing)
    page = sign_in().get(LATEST).content.decode()
    assert "The numbers of 1 table differ" in page
    assert '<span class="pill warn">differs: <bdi dir="ltr">−3</bdi></span>' in page
    assert page.index("Odd") < page.index("without a difference or gap</summary>")
    assert page.count('class="differs"') == 1


def test_few_tables_that_agree_are_not_folded(hidden: World, sign_in: SignIn) -> None:
    page = sign_in().get(LATEST).content.decode()
    assert "All counted numbers agree." in page
    assert "without a difference or gap</summary>" not in page
