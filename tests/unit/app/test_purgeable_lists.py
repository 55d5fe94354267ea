"""Only lists of records that may be live offer to delete them in the org."""

import pytest

from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.app.records.relations.related import RelatedState
from unlost.model.vault.snapshot import ChangeKind


@pytest.mark.parametrize("change", ChangeKind)
def test_records_that_left_the_org_are_not_offered_for_deletion(change: ChangeKind) -> None:
    query = ListQuery(ListKind.CHANGED, "Case", older="1", newer="2", change=change)
    gone = change in (ChangeKind.DELETED, ChangeKind.ARCHIVED)
    assert query.is_purgeable is not gone


def test_archived_related_records_are_not_offered_for_deletion() -> None:
    query = ListQuery(ListKind.RELATED, "Case", of="Account/A1", state=RelatedState.ARCHIVED)
    assert not query.is_purgeable
