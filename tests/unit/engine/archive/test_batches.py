"""Batches of an archive: nothing goes before what it needs, and nothing that goes is forgotten."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unit.engine.archive.company import FILES, NOW, Company
from unit.engine.archive.test_any_graph import CLOSED, POLICIES, companies
from unlost.engine.archive.batches import STAYS, Deletions, in_batches
from unlost.engine.archive.graph import ArchiveGraph, collect
from unlost.engine.archive.settle import Mask
from unlost.model.archive import ArchivePolicy


def cut(
    company: Company, policy: ArchivePolicy, at_a_time: int
) -> tuple[ArchiveGraph, Mask, Deletions]:
    graph = collect(company.snapshot(), policy, shared=(FILES,), now=NOW)
    going = graph.going()
    made = in_batches(
        going, roots=graph.roots, takes=graph.takes, needs=graph.needs, at_a_time=at_a_time
    )
    return graph, going, made


def by_id(graph: ArchiveGraph, made: Deletions) -> dict[str, int]:
    """The batch of each record that goes."""
    everything = graph.members.of(graph.members.tables)
    batches = dict(zip(everything["id"], made.batch[everything["node"].to_numpy()], strict=True))
    return {record: int(batch) for record, batch in batches.items() if batch != STAYS}


def office() -> Company:
    """Four closed cases with a mail each; the first and the third share a file."""
    company = Company()
    for number in range(1, 5):
        company.add("Case", f"C{number}", Status="Closed")
        company.add("Mail", f"M{number}", ParentId=f"C{number}")
    company.add("Document", "D1")
    for holder in ("C1", "C3"):
        company.add("Link", f"L{holder}", DocumentId="D1", HolderId=holder)
    return company


POLICY = ArchivePolicy("cases", "Case", (CLOSED,))


def test_a_file_goes_with_the_last_record_that_has_it() -> None:
    graph, _, made = cut(office(), POLICY, 2)
    assert by_id(graph, made) == {
        "C1": 0, "C2": 0, "M1": 0, "M2": 0, "LC1": 0,
        "C3": 1, "C4": 1, "M3": 1, "M4": 1, "LC3": 1, "D1": 1,
    }  # fmt: skip
    assert made.count == 2


def test_the_org_deletes_mails_and_links_along() -> None:
    graph, _, made = cut(office(), POLICY, 2)
    everything = graph.members.of(graph.members.tables)
    along = everything.filter(made.along[everything["node"].to_numpy()].tolist())["id"].to_list()
    assert sorted(along) == ["LC1", "LC3", "M1", "M2", "M3", "M4"]


def test_nothing_goes_without_batches() -> None:
    _, _, made = cut(Company(), POLICY, 2)
    assert made.count == 0


@given(companies(), POLICIES, st.integers(1, 3))
def test_batches_keep_the_order_that_records_need(
    company: Company, policy: ArchivePolicy, at_a_time: int
) -> None:
    graph, going, made = cut(company, policy, at_a_time)
    assert ((made.batch != STAYS) == going).all()
    takes, needs = graph.takes, graph.needs
    must = ~takes.may & going[takes.owner] & going[takes.taken]
    assert (made.batch[takes.taken[must]] <= made.batch[takes.owner[must]]).all()
    wanted = going[needs.record]
    assert (made.batch[needs.needed[wanted]] <= made.batch[needs.record[wanted]]).all()


@given(companies(), POLICIES)
def test_what_goes_along_hangs_on_a_record_that_is_deleted(
    company: Company, policy: ArchivePolicy
) -> None:
    graph, going, made = cut(company, policy, 1)
    takes = graph.takes
    cascades = takes.cascades & going[takes.owner] & going[takes.taken]
    reached = going & ~made.along
    for _ in range(graph.members.count):
        reached[takes.taken[cascades & reached[takes.owner]]] = True
    assert (reached == going).all()


@given(companies(), POLICIES)
def test_one_batch_is_enough_for_a_few_roots(company: Company, policy: ArchivePolicy) -> None:
    _, going, made = cut(company, replace(policy, unchanged_days=0), 100)
    assert set(np.unique(made.batch[going]).tolist()) <= {0}
