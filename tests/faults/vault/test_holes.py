"""A hole that opens in the chain while a run is under way is not filled by that run's commit."""

from copy import copy

import pytest

from smallvault import TABLE, SmallVault, finish, rows
from unlost.model.errors import IntegrityError
from unlost.vault.layout import object_names


@pytest.mark.parametrize("lost", [2, 3])
def test_a_commit_is_never_put_into_a_hole(lost: int) -> None:
    """Rivals commit three nights behind the run's back; then one of their commits is lost."""
    small = SmallVault()
    small.night("r1", ("a", "U", {"Name": "one"}))
    commit = small.begin("mine")
    added = commit.add(TABLE, [rows(("b", "U", {"Name": "two"}))])
    rival = copy(small)
    rival.reopen()
    for number in (2, 3, 4):
        rival.night(f"r{number}", ("a", "U", {"Name": f"v{number}"}))
    hole = object_names.commit(small.org, lost)
    assert small.store.delete(hole)
    before = [listed.name for listed in small.store.list("orgs/") if "/commits/" in listed.name]
    with pytest.raises(IntegrityError) as told:
        finish(commit, added)
    assert told.value.code == "chain-hole"
    after = [listed.name for listed in small.store.list("orgs/") if "/commits/" in listed.name]
    assert after == before
    assert hole not in after
