"""A policy for files may leave records without their files."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from unit.engine.archive.company import FILES, NOW, Company
from unlost.engine.archive.graph import collect
from unlost.engine.archive.preview import leaving_ids, preview
from unlost.model.archive import ArchivePolicy, ArchivePreview, StayReason
from unlost.model.archive_effects import LosingFiles
from unlost.model.errors import UsageError
from unlost.model.source.shared_files import FileRelease
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget

KIND = replace(
    FILES, releases=(FileRelease("records", ("Account", "Case")), FileRelease("mails", ("Mail",)))
)
FILE_POLICY = ArchivePolicy("files", "Document", ids=("D1", "D2"), include=("records",))


@pytest.fixture
def company() -> Company:
    """An account with two cases and a mail, and a file of the account and one case."""
    town = Company()
    town.add("Account", "A1")
    for record in ("C1", "C2"):
        town.add("Case", record, AccountId="A1")
    town.add("Mail", "M1", ParentId="C1")
    share(town, "D1", "A1", "C1")
    return town


def share(company: Company, document: str, *holders: str) -> None:
    """A document with links to its owner and to these records."""
    company.add("Document", document, OwnerId="U1")
    company.add("Version", f"V{document}", DocumentId=document, Size="500")
    for holder in ("U1", *holders):
        company.add("Link", f"L{document}{holder}", DocumentId=document, HolderId=holder)


def seen(
    company: Company, policy: ArchivePolicy = FILE_POLICY, holds: Sequence[Hold] = ()
) -> ArchivePreview:
    """The preview of a policy for files."""
    return preview(company.snapshot(), policy, {}, shared=(KIND,), holds=holds, now=NOW)


def files_that_go(
    company: Company, policy: ArchivePolicy = FILE_POLICY, holds: Sequence[Hold] = ()
) -> set[str]:
    """The ids of the files that go."""
    graph = collect(company.snapshot(), policy, shared=(KIND,), holds=holds, now=NOW)
    return set(leaving_ids(graph, graph.going(), "Document")["id"])


def test_records_stay_and_lose_their_file(company: Company) -> None:
    share(company, "D2", "C1", "C2")
    shown = seen(company)
    assert {(line.table, line.records) for line in shown.tables} == {
        ("Document", 2),
        ("Link", 6),
        ("Version", 2),
    }
    assert shown.effects.files == (LosingFiles("Account", 1, 1), LosingFiles("Case", 2, 2))


def test_without_the_name_in_the_policy_the_file_stays(company: Company) -> None:
    policy = replace(FILE_POLICY, include=())
    assert files_that_go(company, policy) == set()
    assert seen(company, policy).effects.files == ()


def test_a_file_without_records_goes_and_no_record_loses_it(company: Company) -> None:
    share(company, "D2")
    company.add("PublicLink", "P1", DocumentId="D1")
    shown = seen(company)
    assert files_that_go(company) == {"D2"}
    assert shown.effects.files == ()


@pytest.mark.parametrize("holder", ["U2", "M1", "gone"])
def test_people_mails_and_unknown_records_keep_their_file(company: Company, holder: str) -> None:
    company.add("User", "U2")
    company.add("Link", "L9", DocumentId="D1", HolderId=holder)
    assert files_that_go(company) == set()


def test_a_file_of_a_mail_goes_if_the_policy_includes_it(company: Company) -> None:
    company.add("Link", "L9", DocumentId="D1", HolderId="M1")
    policy = replace(FILE_POLICY, include=("records", "mails"))
    assert files_that_go(company, policy) == {"D1"}
    assert seen(company, policy).effects.files[-1] == LosingFiles("Mail", 1, 1)


@pytest.mark.parametrize(
    ("target", "stays"),
    [
        (HoldTarget(HoldScope.RECORD, "Case", "C1"), True),
        (HoldTarget(HoldScope.RECORD, "Case", "C2"), False),
        (HoldTarget(HoldScope.TABLE, "Account"), True),
        (HoldTarget(HoldScope.TABLE, "Mail"), False),
    ],
)
def test_a_record_on_legal_hold_keeps_its_files(
    company: Company, target: HoldTarget, stays: bool
) -> None:
    assert files_that_go(company, holds=(Hold(target),)) == (set() if stays else {"D1"})


def reasons(company: Company, *targets: HoldTarget) -> set[StayReason]:
    """The reasons why files stay."""
    shown = seen(company, holds=tuple(map(Hold, targets)))
    return {stay.cause.reason for stay in shown.stays if stay.cause.table == "Document"}


@pytest.mark.parametrize(
    "target", [HoldTarget(HoldScope.RECORD, "Case", "C1"), HoldTarget(HoldScope.TABLE, "Account")]
)
def test_a_file_of_a_record_on_legal_hold_is_not_counted_as_shared(
    company: Company, target: HoldTarget
) -> None:
    assert reasons(company, target) == {StayReason.HOLDER_ON_HOLD}
    company.add("User", "U2")
    company.add("Link", "L9", DocumentId="D1", HolderId="U2")
    assert reasons(company, target) == {StayReason.HOLDER_ON_HOLD, StayReason.SHARED}


def test_only_a_policy_for_files_can_release_them(company: Company) -> None:
    policy = ArchivePolicy("cases", "Case", ids=("C1",), include=("records",))
    with pytest.raises(UsageError) as refused:
        seen(company, policy)
    assert refused.value.code == "archive-include"
    with pytest.raises(UsageError) as misspelt:
        seen(company, replace(FILE_POLICY, include=("record",)))
    assert misspelt.value.next_step == "Remove it from `include`, or use one of: mails, records."
