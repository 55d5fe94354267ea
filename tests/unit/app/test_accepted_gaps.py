"""A gap that cannot be closed is accepted with a reason, until it changes or a person reopens it."""

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unlost.app.actions.alerts.alerts import watch
from unlost.app.actions.alerts.overview import OrgState, overview
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.certificate import certificate
from unlost.app.actions.backups.gaps import accept, accept_many, gaps, reopen
from unlost.app.actions.orgs.org_page import org_page
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.backups.summaries import lacks_summaries, update_summaries
from unlost.catalog.alerts import list_alerts
from unlost.catalog.conclusion_models import BackupSummaryRow
from unlost.catalog.gaps import accepted_gaps
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import newest
from unlost.catalog.vault.erasing import scrub
from unlost.model.alert import AlertRule
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.gaps import AcceptedGap, GapEnd, gap_id
from unlost.model.message import Noun, counted
from unlost.model.plan import RecordKey
from unlost.model.status import OrgStatus

REASON = "The table belongs to the payroll."


def gap(count: int = 100, *, table: str = "Payroll") -> Finding:
    return Finding.of(
        FindingKind.PERMISSION_MISSING, Severity.GAP,
        "The table {name} has about {records} that the backup user cannot see.", "Allow it.", table,
        detail=str(count), name=table, records=counted(count, Noun.RECORD),
    )  # fmt: skip


def live(world: World) -> None:
    """A backup with a gap."""
    with_sales(world)
    world.org.findings = [gap()]
    night(world)


with_gap = scene(live)


@pytest.fixture
def hidden(world: World, with_gap: Lead) -> World:
    """A backup with a gap."""
    with_gap(world)
    return world


def night(world: World) -> int:
    world.clock.advance(days=1)
    return backup(world.app, "sales").snapshot


def state(world: World) -> OrgState:
    (org,) = overview(world.app).orgs
    return org


def take(world: World, reason: str = REASON) -> AcceptedGap:
    return accept(world.app, "sales", gap_id(gap()), reason=reason)


def rules(world: World) -> set[AlertRule]:
    watch(world.app, Watcher())
    return {alert.raised.rule for alert in list_alerts()}


def test_an_accepted_gap_leaves_the_org_protected_and_raises_no_alert(hidden: World) -> None:
    assert state(hidden).status is OrgStatus.INCOMPLETE
    assert AlertRule.INCOMPLETE in rules(hidden)
    acceptance = take(hidden)
    assert (acceptance.reason, acceptance.gap.table) == (REASON, "Payroll")
    protected = state(hidden)
    assert (protected.status, protected.gaps, protected.accepted) == (OrgStatus.PROTECTED, 0, 1)
    assert AlertRule.INCOMPLETE not in rules(hidden)
    shown = certificate(hidden.app, "sales", at="latest")
    assert shown.complete
    assert shown.gaps
    assert not shown.open_gaps
    assert shown.accepted == (acceptance,)
    assert org_page(hidden.app, "sales").accepted == (acceptance,)


def test_it_lasts_while_the_gap_is_no_larger(hidden: World) -> None:
    acceptance = take(hidden)
    hidden.org.findings = [gap(109)]
    result = backup(hidden.app, "sales")
    assert (len(result.findings), result.accepted) == (1, 1)
    assert accepted_gaps(get_org("sales").oid) == (acceptance,)
    assert state(hidden).status is OrgStatus.PROTECTED


def test_it_ends_when_the_gap_grows_and_the_org_is_incomplete_again(hidden: World) -> None:
    take(hidden)
    hidden.org.findings = [gap(111)]
    night(hidden)
    assert state(hidden).status is OrgStatus.INCOMPLETE
    assert AlertRule.INCOMPLETE in rules(hidden)
    (ended,) = gaps(hidden.app, "sales").ended
    assert (ended.end, ended.ended_by) == (GapEnd.CHANGED, "")
    hidden.org.findings = [gap(50)]  # smaller again: it was ended for good
    night(hidden)
    assert state(hidden).status is OrgStatus.INCOMPLETE


def test_it_ends_when_the_gap_is_closed(hidden: World) -> None:
    take(hidden)
    hidden.org.findings = []
    night(hidden)
    (ended,) = gaps(hidden.app, "sales").ended
    assert ended.end is GapEnd.GONE
    assert org_page(hidden.app, "sales").ended == (ended,)


def test_a_new_gap_makes_the_org_incomplete_beside_an_accepted_one(hidden: World) -> None:
    take(hidden)
    hidden.org.findings = [gap(), gap(3, table="Secret")]
    night(hidden)
    mixed = state(hidden)
    assert (mixed.status, mixed.gaps, mixed.accepted) == (OrgStatus.INCOMPLETE, 1, 1)
    listed = gaps(hidden.app, "sales")
    assert [(line.gap.table, line.accepted is None) for line in listed.gaps] == [
        ("Secret", True),
        ("Payroll", False),
    ]
    assert listed.open == 1
    assert AlertRule.INCOMPLETE in rules(hidden)


def test_a_person_takes_it_back_and_all_of_it_is_audited(hidden: World) -> None:
    acceptance = take(hidden)
    assert accepting()[0] == ("gap.accept", gap_id(gap()), REASON)
    ended = reopen(hidden.app, "sales", acceptance.id)
    assert ended.end is GapEnd.TAKEN_BACK
    assert ended.ended_by == hidden.app.actor.name
    assert state(hidden).status is OrgStatus.INCOMPLETE
    assert accepting()[0][:2] == ("gap.reopen", str(acceptance.id))
    take(hidden, "Again.")


def accepting() -> list[tuple[str, str, object]]:
    """The newest acts, each with the reason that its outcome names."""
    return [
        (entry.deed.act, entry.deed.subject, entry.deed.detail.get("reason"))
        for entry in newest(most=4)
        if entry.deed.outcome == "done"
    ]


def test_what_cannot_be_accepted_is_refused(hidden: World) -> None:
    with pytest.raises(UsageError, match="reason"):
        take(hidden, "  ")
    with pytest.raises(NotFound) as unknown:
        accept(hidden.app, "sales", "0000000000", reason=REASON)
    assert unknown.value.code == "gap-unknown"
    acceptance = take(hidden)
    with pytest.raises(Conflict) as twice:
        take(hidden)
    assert twice.value.code == "gap-accepted"
    reopen(hidden.app, "sales", acceptance.id)
    with pytest.raises(Conflict) as ended:
        reopen(hidden.app, "sales", acceptance.id)
    assert ended.value.code == "acceptance-ended"
    with pytest.raises(NotFound):
        reopen(hidden.app, "sales", 999)


def test_an_org_without_a_backup_has_no_gaps(sales: World) -> None:
    listed = gaps(sales.app, "sales")
    assert (listed.snapshot, listed.gaps, listed.open) == (None, (), 0)


def test_an_acceptance_that_names_an_erased_record_is_forgotten(sales: World) -> None:
    file = Finding.of(
        FindingKind.FILE_UNREADABLE, Severity.GAP, "The file of {record} could not be stored.",
        table="Account", column="Body", detail="A40017", record="Account A40017",
    )  # fmt: skip
    sales.org.findings = [file, gap()]
    night(sales)
    accept(sales.app, "sales", gap_id(file), reason="It is broken.")
    take(sales)
    assert scrub("sales", [RecordKey("Account", "A40017")]) >= 1
    assert [a.gap.table for a in accepted_gaps(get_org("sales").oid)] == ["Payroll"]


# --- figures of the last days ---------------------------------------------------------------------


def test_a_home_without_figures_takes_them_from_the_certificates(hidden: World) -> None:
    night(hidden)
    BackupSummaryRow.objects.all().delete()
    org = get_org("sales")
    assert lacks_summaries(hidden.app, org)
    bare = state(hidden)
    assert (bare.status, bare.gaps) == (OrgStatus.INCOMPLETE, 1)
    assert [cell.status for cell in bare.days[-2:]] == [None, None]
    update_summaries(hidden.app, org)
    assert not lacks_summaries(hidden.app, org)
    filled = state(hidden)
    assert [cell.status for cell in filled.days[-2:]] == [OrgStatus.INCOMPLETE] * 2
    assert len(filled.records) == 2


def test_accepting_changes_the_newest_day_only(hidden: World) -> None:
    night(hidden)
    take(hidden)
    assert [cell.status for cell in state(hidden).days[-2:]] == [
        OrgStatus.INCOMPLETE,
        OrgStatus.PROTECTED,
    ]


def test_a_gap_about_one_backup_cannot_be_accepted(sales: World) -> None:
    lost = Finding.of(
        FindingKind.UNUSUAL_LOSS, Severity.GAP, "{records} of {name} vanished.", "Look.", "Account",
        detail="500", records=counted(500, Noun.RECORD), name="Account",
    )  # fmt: skip
    sales.org.findings = [lost]
    night(sales)
    with pytest.raises(Conflict) as refused:
        accept(sales.app, "sales", gap_id(lost), reason=REASON)
    assert refused.value.code == "gap-passing"
    assert gaps(sales.app, "sales").open == 1


def test_a_gap_is_accepted_once(hidden: World) -> None:
    """The second acceptance would stay when the first is taken back."""
    mine = take(hidden)
    with pytest.raises(Conflict) as refused:
        take(hidden, "another reason")
    assert refused.value.code == "gap-accepted"
    reopen(hidden.app, "sales", mine.id)
    assert gaps(hidden.app, "sales").open == 1


def test_gaps_that_differ_in_their_numbers_alone_are_accepted_one_after_the_other(
    sales: World,
) -> None:
    sales.org.findings = [gap(100), gap(500)]
    night(sales)
    assert [take(sales).gap, take(sales).gap] == [gap(100), gap(500)]
    assert gaps(sales.app, "sales").open == 0


def test_the_audit_log_names_the_gap_and_its_backup(hidden: World) -> None:
    acceptance = take(hidden)
    done = newest(most=1)[0].deed.detail
    assert {name: done[name] for name in ("kind", "table", "column", "detail", "backup")} == {
        "kind": "permission-missing",
        "table": "Payroll",
        "column": "",
        "detail": "100",
        "backup": acceptance.snapshot,
    }


def test_gaps_accepted_together_are_audited_each_and_copied_once(sales: World) -> None:
    sales.org.findings = [gap(table="Payroll"), gap(table="Bonus"), gap(table="Leave")]
    night(sales)
    copies = len(sales.app.vault.homes.numbers())
    ids = [gap_id(gap(table=table)) for table in ("Payroll", "Bonus")]
    result = accept_many(sales.app, "sales", ids=ids, reason=REASON)
    assert [one.gap.table for one in result.accepted] == ["Payroll", "Bonus"]
    assert {one.reason for one in result.accepted} == {REASON}
    deeds = [entry.deed for entry in newest(most=9) if entry.deed.act == "gap.accept"]
    assert [deed.subject for deed in deeds] == ids[::-1]
    assert all(deed.intent for deed in deeds)
    (together,) = [entry.deed for entry in newest(most=9) if entry.deed.act == "gap.accept-many"]
    assert (together.outcome, together.detail) == ("done", {"gaps": ids})
    assert len(sales.app.vault.homes.numbers()) == copies + 1
    assert gaps(sales.app, "sales").open == 1


def test_of_a_kind_the_open_gaps_are_accepted(sales: World) -> None:
    sales.org.findings = [gap(table="Payroll"), gap(table="Bonus")]
    night(sales)
    take(sales, "Another reason.")
    kind = FindingKind.PERMISSION_MISSING
    result = accept_many(sales.app, "sales", kind=kind, reason=REASON)
    assert [one.gap.table for one in result.accepted] == ["Bonus"]
    with pytest.raises(NotFound) as refused:
        accept_many(sales.app, "sales", kind=kind, reason=REASON)
    assert refused.value.code == "gap-kind-unknown"


def test_gaps_that_are_not_all_there_are_not_accepted(hidden: World) -> None:
    with pytest.raises(NotFound):
        accept_many(hidden.app, "sales", ids=[gap_id(gap()), "0"], reason=REASON)
    with pytest.raises(UsageError) as refused:
        accept_many(hidden.app, "sales", reason=REASON)
    assert refused.value.code == "gaps-not-named"
    with pytest.raises(UsageError):
        accept_many(hidden.app, "sales", ids=[gap_id(gap())], reason=" ")
    assert accepted_gaps(get_org("sales").oid) == ()
