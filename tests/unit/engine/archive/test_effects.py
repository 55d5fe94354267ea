"""Effects of an archive on records that stay, and records that it leaves alone."""

import pytest

from unit.engine.archive.company import NOW, Company
from unlost.engine.archive.preview import preview
from unlost.model.archive import (
    ArchiveBranch,
    ArchivePolicy,
    ArchivePreview,
    BranchRule,
    Comparison,
    Condition,
    StayCause,
    StayCount,
    StayReason,
)
from unlost.model.archive_effects import GivenNumber, SummaryChange, UnreturningCount
from unlost.model.archive_facts import ArchiveFacts, ProtectedRecords
from unlost.model.errors import UsageError

MAILS = ArchivePolicy("mails", "Mail", (Condition("Text", Comparison.IS, ("old",)),))
CASES = ArchivePolicy("cases", "Case", (Condition("Status", Comparison.IS, ("Closed",)),))
ACTIVE = (Condition("Status", Comparison.IS, ("Active",)),)


def seen(company: Company, policy: ArchivePolicy, facts: ArchiveFacts) -> ArchivePreview:
    return preview(company.snapshot(), policy, {}, facts=facts, now=NOW)


def office(*prices: str | None, mails: str = "2", total: str | None = "30") -> Company:
    """A case with an old mail and new ones, with these prices, and its roll-ups."""
    made = Company()
    made.add("Case", "C1", Mails=mails, Total=total)
    for number, price in enumerate(prices):
        made.add("Mail", f"M{number}", ParentId="C1", Text="new" if number else "old", Price=price)
    return made


def summaries(company: Company) -> tuple[SummaryChange, ...]:
    return seen(company, MAILS, ArchiveFacts()).effects.summaries


# --- roll-ups -------------------------------------------------------------------------------------


def test_a_case_that_stays_counts_and_sums_up_fewer_mails() -> None:
    assert summaries(office("10", "20")) == (
        SummaryChange("Case", "Mails", "Mail", 1, 2, 1),
        SummaryChange("Case", "Total", "Mail", 1, 30, 20),
    )


def test_a_roll_up_that_the_backup_does_not_explain_may_change() -> None:
    changes = summaries(office("10", "20", mails="7", total="5"))
    assert [(change.before, change.after) for change in changes] == [(7, None), (5, None)]


def test_a_roll_up_that_two_columns_explain_may_change() -> None:
    """Each mail costs one: the number of mails and the sum of their prices are equal."""
    both = office("1.5", "0.5", mails="2", total="2")
    assert [change.after for change in summaries(both)] == [None, None]


def test_a_roll_up_without_a_value_does_not_change() -> None:
    assert [change.column for change in summaries(office("10", "20", total=None))] == ["Mails"]


def test_roll_ups_of_records_that_go_do_not_count() -> None:
    company = office("10", "20")
    company.rows["Case"]["C1"]["Status"] = "Closed"
    assert seen(company, CASES, ArchiveFacts()).effects.summaries == ()


def test_a_mail_without_a_case_changes_none() -> None:
    company = Company()
    company.add("Mail", "M1", Text="old")
    assert summaries(company) == ()


# --- numbers, and no way back ---------------------------------------------------------------------


def test_numbers_that_the_org_gives_and_rows_without_a_way_back_are_named() -> None:
    company = office("10")
    company.rows["Case"]["C1"]["Status"] = "Closed"
    facts = ArchiveFacts(unreturning=frozenset({"Mail", "Task"}))
    effects = seen(company, CASES, facts).effects
    assert effects.numbers == (GivenNumber("Case", "Number"),)
    assert effects.unreturning == (UnreturningCount("Mail", 1),), "no task goes"
    assert effects.bin is None


# --- protected records ----------------------------------------------------------------------------


CLOSED_OR_ACTIVE = ArchivePolicy(
    "cases", "Case", (Condition("Status", Comparison.IS, ("Closed", "Active")),)
)
ACTIVE_CASES = ProtectedRecords("active-cases", "Active cases", "Case", ACTIVE)
OWNERS = ArchivePolicy(
    "accounts",
    "Account",
    (Condition("OwnerId", Comparison.EMPTY),),
    (ArchiveBranch("Case", "AccountId", BranchRule.TAKE),),
)
WITH_ACTIVE = ProtectedRecords(
    "accounts-of-active", "Accounts with active cases", "Case", ACTIVE, "AccountId"
)


@pytest.fixture
def company() -> Company:
    """Two accounts with a case each, of which one is active."""
    made = Company()
    for number, status in (("1", "Active"), ("2", "Closed")):
        made.add("Account", f"A{number}")
        made.add("Case", f"C{number}", AccountId=f"A{number}", Status=status)
    return made


def test_a_protected_record_stays(company: Company) -> None:
    shown = seen(company, CLOSED_OR_ACTIVE, ArchiveFacts((ACTIVE_CASES,)))
    assert (shown.selected, shown.roots, shown.samples) == (2, 1, ("C2",))
    cause = StayCause(StayReason.PROTECTED, "Case", "", "active-cases")
    assert shown.stays == (StayCount(cause, 1, ("Case/C1",), 1),)


def test_a_record_that_a_protected_one_names_stays(company: Company) -> None:
    shown = seen(company, OWNERS, ArchiveFacts((WITH_ACTIVE,)))
    assert (shown.roots, shown.samples) == (1, ("A2",))
    cause = StayCause(StayReason.PROTECTED, "Case", "AccountId", "accounts-of-active")
    assert shown.stays == (StayCount(cause, 1, ("Account/A1",), 1),)


def test_a_policy_includes_protected_records_by_name(company: Company) -> None:
    facts = ArchiveFacts((ACTIVE_CASES, WITH_ACTIVE))
    include = ("active-cases", "accounts-of-active")
    named = ArchivePolicy("all", "Account", OWNERS.conditions, OWNERS.branches, include=include)
    assert seen(company, named, facts).roots == 2


def test_a_protection_that_does_not_exist_is_refused(company: Company) -> None:
    named = ArchivePolicy("p", "Case", CASES.conditions, include=("activ-cases",))
    with pytest.raises(UsageError) as refused:
        seen(company, named, ArchiveFacts((ACTIVE_CASES,)))
    assert refused.value.code == "archive-include"
    assert refused.value.next_step == "Remove it from `include`, or use one of: active-cases."


def test_protected_tables_that_the_org_lacks_protect_nothing(company: Company) -> None:
    absent = ProtectedRecords("orders", "Orders", "Order", ACTIVE)
    assert seen(company, CLOSED_OR_ACTIVE, ArchiveFacts((absent,))).roots == 2
