"""Any graph, any branches: the org could do it, and what it would lose is listed."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from unit.engine.archive.company import FILES, NOW, REFERENCES, Company
from unlost.engine.archive.graph import collect
from unlost.engine.archive.preview import leaving_ids, preview
from unlost.model.archive import (
    ArchiveBranch,
    ArchivePolicy,
    BranchRule,
    Comparison,
    Condition,
    EmptiedCount,
)
from unlost.model.archive_effects import LosingFiles
from unlost.model.source.schema import DeleteRule
from unlost.model.source.shared_files import FileRelease
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget

EACH = 3  # records of a table
IDS = {table: [f"{table}{n}" for n in range(EACH)] for table in REFERENCES}
CLOSED = Condition("Status", Comparison.IS, ("Closed",))
BRANCHES = st.builds(
    ArchiveBranch,
    st.just("Task"),
    st.just("WhatId"),
    st.sampled_from(BranchRule),
    st.sampled_from([(), (CLOSED,)]),
) | st.builds(
    ArchiveBranch,
    st.sampled_from(["Case"]),
    st.sampled_from(["AccountId", "ParentId"]),
    st.sampled_from(BranchRule),
    st.sampled_from([(), (CLOSED,)]),
)


@st.composite
def companies(draw: st.DrawFn) -> Company:
    """Records that refer to each other at random."""
    company = Company()
    for table, references in REFERENCES.items():
        for record in IDS[table]:
            cells: dict[str, str | None] = {}
            for column, reference in references.items():
                targets = [known for name in reference.tables for known in IDS[name]]
                cells[column] = draw(st.none() | st.sampled_from(targets))
            if table in ("Case", "Task"):
                cells["Status"] = draw(st.sampled_from(["Closed", "New"]))
            company.add(table, record, **cells)
    return company


POLICIES = st.builds(
    ArchivePolicy,
    st.just("any"),
    st.sampled_from(["Case", "Task"]),
    st.just((CLOSED,)),
    st.lists(BRANCHES, max_size=4).map(tuple),
)


def references(company: Company) -> Iterator[tuple[str, str, str, str, DeleteRule]]:
    """Each reference: table, record, column, the record that it names, and the org's rule."""
    for table, rows in company.rows.items():
        for record, cells in rows.items():
            for column, reference in REFERENCES[table].items():
                if (named := cells[column]) is not None:
                    yield table, record, column, named, reference.rule


def going(company: Company, policy: ArchivePolicy) -> set[str]:
    graph = collect(company.snapshot(), policy, shared=(FILES,), now=NOW)
    mask = graph.going()
    tables = graph.members.tables
    return {record for table in tables for record in leaving_ids(graph, mask, table)["id"]}


@given(companies(), POLICIES)
def test_the_org_deletes_nothing_else_and_refuses_nothing(
    company: Company, policy: ArchivePolicy
) -> None:
    chosen = going(company, policy)
    for _, record, _, named, rule in references(company):
        if named in chosen and rule is DeleteRule.CASCADE:
            assert record in chosen, "it is deleted along"
        if named in chosen and rule is DeleteRule.RESTRICT:
            assert record in chosen, "it prevents the deletion"


@given(companies(), POLICIES)
def test_no_record_that_stays_loses_a_file(company: Company, policy: ArchivePolicy) -> None:
    chosen = going(company, policy)
    owners = {record: cells["OwnerId"] for record, cells in company.rows["Document"].items()}
    for cells in company.rows["Link"].values():
        document, holder = cells["DocumentId"], cells["HolderId"]
        if document in chosen and holder is not None:
            assert holder in chosen or holder == owners[document]
    assert not {cells["DocumentId"] for cells in company.rows["PublicLink"].values()} & chosen


@given(companies(), POLICIES)
def test_references_that_are_lost_are_counted(company: Company, policy: ArchivePolicy) -> None:
    chosen = going(company, policy)
    lost: dict[tuple[str, str], set[str]] = {}
    for table, record, column, named, _ in references(company):
        if named in chosen and record not in chosen:
            lost.setdefault((table, column), set()).add(record)
    shown = preview(company.snapshot(), policy, {}, shared=(FILES,), now=NOW)
    assert set(shown.emptied) == {EmptiedCount(*at, len(some)) for at, some in lost.items()}
    assert sum(table.records for table in shown.tables) == len(chosen)


RELEASED = ("Account", "Case")
KIND = replace(FILES, releases=(FileRelease("records", RELEASED),))
FILE_POLICY = ArchivePolicy(
    "files", "Document", ids=tuple(IDS["Document"]), include=("records",)
)  # fmt: skip
ON_HOLD = st.sets(st.sampled_from([*IDS["Account"], *IDS["Case"]]), max_size=2)


@given(companies(), ON_HOLD)
def test_only_released_records_lose_files_and_each_is_counted(
    company: Company, on_hold: set[str]
) -> None:
    free = {record for table in RELEASED for record in IDS[table]} - on_hold
    keeps = {cells["DocumentId"] for cells in company.rows["PublicLink"].values()}
    owners = {record: cells["OwnerId"] for record, cells in company.rows["Document"].items()}
    links = [
        (cells["DocumentId"], cells["HolderId"])
        for cells in company.rows["Link"].values()
        if cells["DocumentId"] and (cells["HolderId"] is None
                                    or cells["HolderId"] != owners[cells["DocumentId"]])
    ]  # fmt: skip
    keeps |= {document for document, holder in links if holder not in free}
    holds = [
        Hold(HoldTarget(HoldScope.RECORD, record.rstrip("0123456789"), record))
        for record in on_hold
    ]
    shown = preview(company.snapshot(), FILE_POLICY, {}, shared=(KIND,), holds=holds, now=NOW)
    assert shown.roots == len(owners.keys() - keeps)
    lost = [(document, holder) for document, holder in links if document not in keeps]
    counted = {}
    for table in RELEASED:
        pairs = [pair for pair in lost if pair[1] in IDS[table]]
        if pairs:
            records, files = {holder for _, holder in pairs}, {document for document, _ in pairs}
            counted[table] = LosingFiles(table, len(records), len(files))
    assert {losing.table: losing for losing in shown.effects.files} == counted
