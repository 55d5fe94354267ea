"""A policy's preview: what goes, what stays and why, and what others lose."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from unit.engine.archive.company import FILES, NOW, Company
from unlost.engine.archive.graph import collect
from unlost.engine.archive.preview import leaving_ids, preview
from unlost.model.archive import (
    ArchiveBranch,
    ArchivePolicy,
    ArchivePreview,
    BranchRule,
    Comparison,
    Condition,
    EmptiedCount,
    StayCause,
    StayCount,
    StayReason,
)
from unlost.model.archive_facts import ArchiveFacts
from unlost.model.errors import UsageError
from unlost.model.source.shared_files import FileMentions, KeepingColumn
from unlost.model.storage import StorageRule, StorageWeight
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget

CLOSED = Condition("Status", Comparison.IS, ("Closed",))
OLD = Condition("Closed", Comparison.OLDER, days=365)
POLICY = ArchivePolicy("closed cases", "Case", (CLOSED, OLD))
RULES = {
    "Case": StorageRule((StorageWeight("data", 2048),)),
    "Mail": StorageRule((StorageWeight("data", 2048, ("Text",)),)),
    "Version": StorageRule((StorageWeight("files", size_column="Size"),)),
}
LONG_AGO, LATELY = "2024-01-01T00:00:00.000Z", "2026-05-01T00:00:00.000Z"


@pytest.fixture
def company() -> Company:
    """Two old closed cases and an open one, each with a mail."""
    made = Company()
    made.add("Account", "A1")
    for record, status, closed in (
        ("C1", "Closed", LONG_AGO), ("C2", "Closed", LONG_AGO), ("C3", "New", None),
    ):  # fmt: skip
        made.add("Case", record, AccountId="A1", Status=status, Closed=closed)
        made.add("Mail", f"M{record}", ParentId=record, Text="x" * 3_000)
    return made


def seen(company: Company, policy: ArchivePolicy = POLICY, **options: Any) -> ArchivePreview:
    """The preview of a policy."""
    return preview(company.snapshot(), policy, RULES, shared=(FILES,), now=NOW, **options)


def going(company: Company, policy: ArchivePolicy = POLICY, **options: Any) -> set[str]:
    """The ids of all records that go."""
    graph = collect(company.snapshot(), policy, shared=(FILES,), now=NOW, **options)
    mask = graph.going()
    return {
        record for table in graph.members.tables for record in leaving_ids(graph, mask, table)["id"]
    }


def stays(company: Company, policy: ArchivePolicy = POLICY, **options: Any) -> Sequence[StayCount]:
    """The causes by which records stay."""
    return seen(company, policy, **options).stays


def test_a_case_goes_with_its_mails_and_frees_their_bytes(company: Company) -> None:
    shown = seen(company)
    assert (shown.selected, shown.roots, shown.samples) == (2, 2, ("C1", "C2"))
    assert [(t.table, t.records, t.bytes) for t in shown.tables] == [
        ("Case", 2, {"data": 4_096}), ("Mail", 2, {"data": 6_000}),
    ]  # fmt: skip
    assert shown.bytes == {"data": 10_096}
    assert (shown.backup, shown.as_of, shown.stays, shown.emptied) == (7, NOW, (), ())


def test_nothing_matches(company: Company) -> None:
    none = ArchivePolicy("none", "Case", (Condition("Status", Comparison.IS, ("Lost",)),))
    shown = seen(company, none)
    assert (shown.selected, shown.roots, shown.tables, shown.bytes) == (0, 0, (), {})


def test_an_empty_table_has_nothing_to_archive() -> None:
    assert seen(Company()).selected == 0


@pytest.mark.parametrize(
    ("condition", "records"),
    [
        (CLOSED, {"C1", "C2"}),
        (OLD, {"C1", "C2"}),
        (Condition("Status", Comparison.IS_NOT, ("Closed",)), {"C3", "C4"}),
        (Condition("Closed", Comparison.EMPTY), {"C3", "C4"}),
        (Condition("Closed", Comparison.FILLED), {"C1", "C2"}),
        (Condition("AccountId", Comparison.FILLED), {"C1", "C2", "C3"}),
        (Condition("Closed", Comparison.BETWEEN, ("2023-12-31", "2024-01-01")), {"C1", "C2"}),
        (Condition("Closed", Comparison.BETWEEN, ("2023-12-30", "2023-12-31")), set()),
        (Condition("Closed", Comparison.SAME, ("Closed",)), {"C1", "C2"}),
    ],
)
def test_conditions(company: Company, condition: Condition, records: set[str]) -> None:
    company.add("Case", "C4")
    chosen = going(company, ArchivePolicy("p", "Case", (condition,)))
    assert {record for record in chosen if record.startswith("C")} == records


@pytest.mark.parametrize(
    "condition",
    [
        Condition("Price", Comparison.LARGER),
        Condition("Price", Comparison.LARGER, number=-1),
    ],
)
def test_a_number_that_a_person_left_empty_selects_all_above_zero(
    company: Company, condition: Condition
) -> None:
    with pytest.raises(UsageError) as refused:
        seen(company, ArchivePolicy("p", "Mail", (condition,)))
    assert refused.value.code == "archive-values"


@pytest.mark.parametrize("days", [(), ("2024-01-01",), ("2024-01-01", "soon"), ("1", "2", "3")])
def test_a_period_without_two_days_selects_records(company: Company, days: tuple[str, ...]) -> None:
    condition = Condition("Closed", Comparison.BETWEEN, days)
    with pytest.raises(UsageError) as refused:
        seen(company, ArchivePolicy("p", "Case", (condition,)))
    assert refused.value.code == "archive-values"


@pytest.mark.parametrize(("other", "code"), [("Nothing", "column"), ("Status", "comparison")])
def test_a_date_is_compared_with_what_is_no_date(company: Company, other: str, code: str) -> None:
    condition = Condition("Closed", Comparison.SAME, (other,))
    with pytest.raises(UsageError) as refused:
        seen(company, ArchivePolicy("p", "Case", (condition,)))
    assert refused.value.code == f"archive-{code}"


def test_a_record_with_children_leaves_with_records_that_have_none(company: Company) -> None:
    """Of leftovers of an import: a mail refers to each case, but only the org writes them."""
    policy = replace(POLICY, unreferenced=True)
    assert going(company, policy) == set()
    (stay,) = stays(company, policy)
    assert stay == StayCount(
        StayCause(StayReason.BRANCH, "Mail", "ParentId"), 2, ("Case/C1", "Case/C2"), roots=2
    )
    facts = ArchiveFacts(unreturning=frozenset({"Mail"}))
    assert going(company, policy, facts=facts) == {"C1", "C2", "MC1", "MC2"}
    company.add("Task", "T1", WhatId="C1")
    assert going(company, policy, facts=facts) == {"C2", "MC2"}
    taken = ArchiveBranch("Task", "WhatId", BranchRule.TAKE)
    with_tasks = replace(policy, branches=(taken,))
    assert going(company, with_tasks, facts=facts) == {"C1", "C2", "MC1", "MC2", "T1"}


@pytest.mark.parametrize("day", ["2025-05-31", "2025-05-31T23:59:59Z", "2025-05-31 23:59:59+00:00"])
def test_an_age_is_counted_from_now(company: Company, day: str) -> None:
    company.add("Task", "T1", Day=day)
    company.add("Task", "T2", Day="2025-06-01")
    company.add("Task", "T3", Day="soon")
    policy = ArchivePolicy("tasks", "Task", (Condition("Day", Comparison.OLDER, days=365),))
    assert going(company, policy) == {"T1"}


def test_a_size_is_a_number(company: Company) -> None:
    for record, size in (("V1", "1000"), ("V2", "1.5E3"), ("V3", None), ("V4", "big")):
        company.add("Version", record, Size=size)
    policy = ArchivePolicy(
        "large", "Version", (Condition("Size", Comparison.LARGER, number=1_000),)
    )
    assert going(company, policy) == {"V2"}


def test_an_open_task_keeps_its_case_and_all_of_it(company: Company) -> None:
    company.add("Task", "T1", WhatId="C1", Status="Open")
    company.add("Task", "T2", WhatId="C2", Status="Completed")
    done = Condition("Status", Comparison.IS, ("Completed",))
    policy = ArchivePolicy(
        "cases", "Case", (CLOSED,),
        (ArchiveBranch("Task", "WhatId", BranchRule.TAKE, (done,)), ArchiveBranch("Task", "WhatId", BranchRule.STOP)),
    )  # fmt: skip
    assert going(company, policy) == {"C2", "MC2", "T2"}
    cause = StayCause(StayReason.BRANCH, "Task", "WhatId")
    assert stays(company, policy) == (StayCount(cause, 1, ("Case/C1",), 1),)


def test_a_record_that_stays_loses_its_reference(company: Company) -> None:
    company.add("Task", "T1", WhatId="C1")
    company.add("Case", "C4", ParentId="C1", Status="New")
    shown = seen(company)
    assert set(shown.emptied) == {
        EmptiedCount("Task", "WhatId", 1),
        EmptiedCount("Case", "ParentId", 1),
    }


def test_a_reference_between_records_that_go_is_not_lost(company: Company) -> None:
    company.rows["Case"]["C2"]["ParentId"] = "C1"
    company.rows["Mail"]["MC2"]["ReplyToId"] = "MC1"
    assert seen(company).emptied == ()


def test_a_reference_of_a_record_that_could_go_and_stays_is_lost(company: Company) -> None:
    company.rows["Mail"]["MC2"]["ReplyToId"] = "MC1"
    held = Hold(HoldTarget(HoldScope.RECORD, "Case", "C2"))
    assert seen(company, holds=(held,)).emptied == (EmptiedCount("Mail", "ReplyToId", 1),)


def test_an_account_stays_while_a_case_of_it_does(company: Company) -> None:
    accounts = ArchivePolicy("accounts", "Account", (Condition("OwnerId", Comparison.EMPTY),))
    assert going(company, accounts) == set()
    cause = StayCause(StayReason.RESTRICT, "Case", "AccountId")
    assert stays(company, accounts) == (StayCount(cause, 1, ("Account/A1",), 1),)
    with_cases = ArchivePolicy(
        "accounts",
        "Account",
        accounts.conditions,
        (ArchiveBranch("Case", "AccountId", BranchRule.TAKE),),
    )
    assert going(company, with_cases) == {"A1", "C1", "C2", "C3", "MC1", "MC2", "MC3"}
    left = ArchivePolicy(
        "accounts",
        "Account",
        accounts.conditions,
        (ArchiveBranch("Case", "AccountId", BranchRule.LEAVE),),
    )
    assert going(company, left) == set(), "the org does not delete it"


def test_a_recent_change_keeps_a_case_even_if_only_its_mail_was_changed(company: Company) -> None:
    company.changed["MC1"] = NOW - timedelta(days=3)
    policy = ArchivePolicy("cases", "Case", (CLOSED,), unchanged_days=7)
    assert going(company, policy) == {"C2", "MC2"}
    cause = StayCause(StayReason.CHANGED, "Mail")
    assert stays(company, policy) == (StayCount(cause, 1, ("Mail/MC1",), 1),)


@pytest.mark.parametrize(
    ("target", "left"),
    [
        (HoldTarget(HoldScope.RECORD, "Mail", "MC1"), {"C2", "MC2"}),
        (HoldTarget(HoldScope.TABLE, "Mail"), set()),
        (HoldTarget(HoldScope.ORG), set()),
        (HoldTarget(HoldScope.NIGHT, backup=3), {"C1", "C2", "MC1", "MC2"}),
        (HoldTarget(HoldScope.TABLE, "Task"), {"C1", "C2", "MC1", "MC2"}),
    ],
)
def test_what_is_on_legal_hold_stays(company: Company, target: HoldTarget, left: set[str]) -> None:
    assert going(company, holds=(Hold(target),)) == left


def test_a_hold_that_ended_keeps_nothing(company: Company) -> None:
    ended = Hold(HoldTarget(HoldScope.ORG), until=NOW - timedelta(days=1))
    assert going(company, holds=(ended,)) == {"C1", "C2", "MC1", "MC2"}


# --- files ----------------------------------------------------------------------------------------


def share(company: Company, document: str, *holders: str) -> None:
    """A document with a version, and with links to its owner and to these records."""
    company.add("Document", document, OwnerId="U1")
    company.add("Version", f"V{document}", DocumentId=document, Size="500")
    for holder in ("U1", *holders):
        company.add("Link", f"L{document}{holder}", DocumentId=document, HolderId=holder)


def test_a_file_goes_with_the_last_record_that_has_it(company: Company) -> None:
    share(company, "D1", "C1", "MC2")
    assert going(company) >= {"D1", "VD1", "LD1C1", "LD1MC2", "LD1U1"}
    assert seen(company).bytes["files"] == 500


@pytest.mark.parametrize("other", ["C3", "A1", "U2"])
def test_a_file_stays_with_any_other_record_that_has_it(company: Company, other: str) -> None:
    share(company, "D1", "C1", other)
    chosen = going(company)
    assert {"C1", "LD1C1"} <= chosen
    assert not chosen & {"D1", "VD1", "LD1U1", f"LD1{other}"}
    assert stays(company) == (
        StayCount(StayCause(StayReason.SHARED, "Document"), 1, ("Document/D1",)),
    )


def test_a_file_that_was_changed_recently_stays_when_its_case_goes(company: Company) -> None:
    share(company, "D1", "C1")
    policy = replace(POLICY, unchanged_days=30)
    assert {"C1", "D1"} <= going(company, policy)
    company.changed["D1"] = NOW - timedelta(days=2)
    chosen = going(company, policy)
    assert {"C1", "LD1C1"} <= chosen
    assert not chosen & {"D1", "VD1"}


def test_the_file_of_a_case_on_hold_is_no_shared_one(company: Company) -> None:
    share(company, "D1", "C1")
    held = Hold(HoldTarget(HoldScope.RECORD, "Case", "C1"))
    assert stays(company, holds=(held,)) == (
        StayCount(StayCause(StayReason.HOLD, "Case"), 1, ("Case/C1",), 1),
    )


def test_a_file_without_an_owner_needs_each_record_that_has_it(company: Company) -> None:
    share(company, "D1", "C1")
    kind = replace(FILES, owner_column=None)
    graph = collect(company.snapshot(), POLICY, shared=(kind,), now=NOW)
    assert not len(leaving_ids(graph, graph.going(), "Document")), "its owner has a link"


def test_a_file_with_a_public_link_stays(company: Company) -> None:
    share(company, "D1", "C1")
    company.add("PublicLink", "P1", DocumentId="D1")
    assert not going(company) & {"D1", "VD1", "P1"}


def test_a_public_link_was_broken_in_an_org_without_links_to_records(company: Company) -> None:
    company.add("Document", "D1", OwnerId="U1")
    company.add("PublicLink", "P1", DocumentId="D1")
    policy = ArchivePolicy("files", "Document", ids=("D1",))
    graph = collect(company.snapshot(), policy, shared=(FILES,), now=NOW)
    assert not len(leaving_ids(graph, graph.going(), "Document"))


def test_a_file_that_only_its_owner_has_is_not_met(company: Company) -> None:
    share(company, "D1")
    assert "D1" not in going(company)


def test_files_that_no_record_has_are_selected_and_others_stay(company: Company) -> None:
    share(company, "D1")
    share(company, "D2", "C1")
    policy = ArchivePolicy("files", "Document", ids=("D1", "D2", "none"))
    graph = collect(company.snapshot(), policy, shared=(FILES,), now=NOW)
    chosen = set(leaving_ids(graph, graph.going(), "Document")["id"])
    assert chosen == {"D1"}
    assert len(graph.roots) == 2


@pytest.mark.parametrize("shown", ["D1", "VD1"])
def test_a_file_that_a_text_shows_goes_with_the_last_record_that_shows_it(
    company: Company, shown: str
) -> None:
    texts = (KeepingColumn("Mail", "Text"), KeepingColumn("Nowhere", "Text"))
    mentions = FileMentions(texts, r"V?D\d", 3, KeepingColumn("Version", "DocumentId"))
    kind = replace(FILES, mentions=mentions)
    share(company, "D1", "C1")
    company.add("Mail", "M8", ParentId="C1", Text=f"<img src='/{shown}'>, and V9")

    def leaves() -> bool:
        graph = collect(company.snapshot(), POLICY, shared=(kind,), now=NOW)
        return bool(len(leaving_ids(graph, graph.going(), "Document")))

    assert leaves(), "the mail goes, too"
    company.add("Mail", "M9", Text=f"<img src='/{shown}?x=1'>")
    assert not leaves()


def test_files_without_versions_have_no_mentions(company: Company) -> None:
    mentions = FileMentions((KeepingColumn("Mail", "Text"),), "D1", 2, KeepingColumn("None", "x"))
    company.add("Document", "D1", OwnerId="U1")
    company.add("Mail", "M9", Text="D1")
    kind = replace(FILES, mentions=mentions)
    policy = ArchivePolicy("files", "Document", ids=("D1",))
    graph = collect(company.snapshot(), policy, shared=(kind,), now=NOW)
    assert len(leaving_ids(graph, graph.going(), "Document"))


# --- policies that cannot be used -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (ArchivePolicy("all", "Case"), "archive-everything"),
        (ArchivePolicy("p", "Nowhere", (CLOSED,)), "archive-table"),
        (ArchivePolicy("p", "Mail", (CLOSED,)), "archive-column"),
        (ArchivePolicy("p", "Case", (Condition("Status", Comparison.OLDER, days=1),)), "archive-comparison"),
        (ArchivePolicy("p", "Case", (Condition("Closed", Comparison.LARGER),)), "archive-comparison"),
        (ArchivePolicy("p", "Case", (Condition("Closed", Comparison.STARTS, ("2",)),)), "archive-comparison"),
        (ArchivePolicy("p", "Case", (Condition("Status", Comparison.STARTS),)), "archive-values"),
        (ArchivePolicy("p", "Case", (Condition("Status", Comparison.IS),)), "archive-values"),
        (ArchivePolicy("p", "Case", (Condition("Status", Comparison.IS_NOT),)), "archive-values"),
        (ArchivePolicy("p", "Case", (Condition("Closed", Comparison.OLDER),)), "archive-values"),
        (ArchivePolicy("p", "Case", (CLOSED,), (ArchiveBranch("Chat", "CaseId", BranchRule.TAKE),)), "archive-table"),
        (ArchivePolicy("p", "Case", (CLOSED,), (ArchiveBranch("Task", "CaseId", BranchRule.TAKE),)), "archive-column"),
        (ArchivePolicy("p", "Case", (CLOSED,), (ArchiveBranch("Task", "Status", BranchRule.TAKE),)), "archive-reference"),
        (ArchivePolicy("p", "Case", (CLOSED,), (ArchiveBranch("Mail", "ParentId", BranchRule.LEAVE),)), "archive-leaves"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_used_is_refused(
    company: Company, policy: ArchivePolicy, code: str
) -> None:
    with pytest.raises(UsageError) as refused:
        seen(company, policy)
    assert refused.value.code == code


def test_each_table_is_read_once_for_its_records(company: Company) -> None:
    """Mails refer to cases, which are read first, and to mails: so they are read again."""
    share(company, "D1", "C1")
    snapshot: Any = company.snapshot()
    collect(snapshot, POLICY, shared=(FILES,), now=NOW)
    assert snapshot.scans.count("Mail") == 2
    assert snapshot.scans.count("Version") == 1


def test_a_text_is_compared_with_several_beginnings(company: Company) -> None:
    def cases(*values: str) -> set[str]:
        starts = Condition("Status", Comparison.STARTS, values)
        policy = ArchivePolicy("p", "Case", (starts,))
        return {record for record in going(company, policy) if record.startswith("C")}

    assert cases("Clo") == {"C1", "C2"}
    assert cases("Clo", "Ne") == {"C1", "C2", "C3"}
    assert cases("clo", ".*") == set()
