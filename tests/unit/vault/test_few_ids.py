"""A few ids are looked up without Polars, at the same places as many."""

from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vaultstory
from unlost.vault.format.physical import is_system
from unlost.vault.read.table_view import TableView


@cache
def views() -> list[TableView]:
    """The tables of a vault with several segments each."""
    vault = vaultstory.copied().vault
    (org,) = vault.orgs()
    org_vault = vault.org_vault(org)
    state = org_vault.chain.live()
    tables = [table for table in state.segments if not is_system(table)]
    return [org_vault.view(table, until=state.seq, state=state) for table in tables]


def stored_ids() -> st.SearchStrategy[str]:
    entries = [live.entry for view in views() for live in view.segments]
    return st.sampled_from([bound for e in entries for bound in (e.min_id, e.max_id)])


@given(st.sets(st.deferred(stored_ids) | st.text(max_size=3), max_size=9))
def test_few_ids_have_the_places_of_many(chosen: set[str]) -> None:
    ids = pa.array(sorted(chosen, key=str.encode), pa.string())
    for view in views():
        ranks = range(len(view.segments))
        with pytest.MonkeyPatch.context() as change:
            few = list(view._edges(ids, ranks))
            change.setattr("unlost.vault.read.table_view.FEW", -1)
            many = list(view._edges(ids, ranks))
        for edges, others in zip(few, many, strict=True):
            np.testing.assert_array_equal(edges, others)
