"""The share of a table that a policy selects."""

from dataclasses import replace

import pytest

from unit.engine.archive.company import NOW, Company
from unit.engine.archive.test_preview import CLOSED, POLICY
from unlost.engine.archive.selected import SelectedShare, selected_share
from unlost.model.archive import ArchivePolicy
from unlost.model.errors import UsageError

ALL_CLOSED = ArchivePolicy("closed", "Case", (CLOSED,))


def company(*status: str) -> Company:
    made = Company()
    made.add("Account", "A1")
    for number, each in enumerate(status):
        made.add("Case", f"C{number}", AccountId="A1", Status=each)
    return made


def test_more_than_half_of_a_table_is_large() -> None:
    share = selected_share(company("Closed", "New").snapshot(), ALL_CLOSED, now=NOW)
    assert (share, share.is_large) == (SelectedShare(1, 2, "Case"), False)
    share = selected_share(company("Closed", "Closed", "New").snapshot(), ALL_CLOSED, now=NOW)
    assert (share, share.is_large) == (SelectedShare(2, 3, "Case"), True)


def test_named_records_are_counted_alone() -> None:
    named = replace(ALL_CLOSED, ids=("C0", "C9"))
    share = selected_share(company("Closed", "Closed").snapshot(), named, now=NOW)
    assert share == SelectedShare(1, 2, "Case")


def test_an_empty_table_has_no_share() -> None:
    share = selected_share(company().snapshot(), ALL_CLOSED, now=NOW)
    assert (share, share.is_large) == (SelectedShare(0, 0, "Case"), False)


def test_a_policy_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(UsageError):
        selected_share(company("New").snapshot(), replace(POLICY, table="None"), now=NOW)
