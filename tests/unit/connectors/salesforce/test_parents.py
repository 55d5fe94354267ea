"""Tables that are only given for named parents."""

from typing import Any

import pytest

from fakes.runs import ids, read_all
from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from fakes.wire import error_answer, json_answer
from unlost.connectors.salesforce.schema.special import ReadStrategy
from unlost.model.errors import SourceRefused
from unlost.model.finding import FindingKind, Severity

LINK_FIELDS = [
    field("Id", "id"),
    field("IsDeleted", "boolean"),
    field("ContentDocumentId", "reference", referenceTo=["ContentDocument"]),
    field("LinkedEntityId", "reference", referenceTo=["Account"]),
]


def an_org(**settings: Any) -> FakeSalesforce:
    """500 documents that the user sees, and one file that he sees through its account alone."""
    org = FakeSalesforce(**settings)
    link = {"childSObject": "ContentDocumentLink", "field": "LinkedEntityId"}
    org.describes = {
        "Account": describe("Account", *system_fields(), childRelationships=[link]),
        "ContentDocument": describe("ContentDocument", *system_fields(), replicateable=False),
        "ContentDocumentLink": describe("ContentDocumentLink", *LINK_FIELDS, replicateable=False),
    }
    org.flags["PermissionsQueryAllFiles"] = False
    org.rows["Account"] = [row(id_of("001", n)) for n in range(3)]
    org.rows["ContentDocument"] = [row(id_of("069", n)) for n in range(500)]
    org.rows["ContentDocumentLink"] = [
        {
            "Id": id_of("06A", n), "IsDeleted": False, "ContentDocumentId": id_of("069", n),
            "LinkedEntityId": id_of("001", n % 3),
        }
        for n in range(501)
    ]  # fmt: skip
    return org


def test_file_links_are_found_from_both_ends() -> None:
    org = an_org()
    with org.source() as source:
        table = org.table(source, "ContentDocumentLink")
        assert table.strategy == ReadStrategy.PARENTS.value
        assert source.count(table) is None
        found = ids(read_all(source, table))
        counted = [one for array in source.census(table) for one in array.to_pylist()]
    assert set(found) == {id_of("06A", n) for n in range(501)}
    assert sorted(counted) == sorted(set(found)), "a census names each link once"


def test_large_tables_are_not_asked_and_that_is_said() -> None:
    org = an_org(linked_parents=2)
    with org.source() as source:
        pages = read_all(source, org.table(source, "ContentDocumentLink"))
    assert len(set(ids(pages))) == 500
    (finding,) = pages[-1].findings
    assert (finding.kind, finding.severity) == (FindingKind.FILES_HIDDEN, Severity.GAP)
    assert finding.detail == "Account"
    assert "Query All Files" in finding.next_step


@pytest.mark.parametrize("largest", [2, 3])
def test_a_table_that_is_not_counted_is_listed(largest: int) -> None:
    org = an_org(linked_parents=largest)
    org.wire.on("GET", r"COUNT.*FROM\+Account", error_answer("MALFORMED_QUERY", "no aggregates"))
    with org.source() as source:
        pages = read_all(source, org.table(source, "ContentDocumentLink"))
    assert len(set(ids(pages))) == (501 if largest == 3 else 500)
    assert bool([one for page in pages for one in page.findings]) == (largest == 2)


def test_links_of_records_that_are_not_listed_were_missing_without_a_gap() -> None:
    org = an_org()
    org.wire.on("GET", r"FROM\+Account", error_answer("INSUFFICIENT_ACCESS", "no", 403))
    with org.source() as source:
        pages = read_all(source, org.table(source, "ContentDocumentLink"))
    assert len(set(ids(pages))) == 500
    assert [one.detail for page in pages for one in page.findings] == ["Account"]


def test_a_worker_that_did_not_discover_looks_for_linkable_tables_itself() -> None:
    org = an_org()
    with org.source() as source:
        (task,) = source.plan_reads(org.table(source, "ContentDocumentLink"), None)
    with org.source() as other:
        found = {one for page in other.read(task) for one in page.rows.ids.to_pylist()}
    assert len(found) == 501


def two_kinds(**settings: Any) -> FakeSalesforce:
    """Files of accounts and of cases; one of each is visible through its record alone."""
    org = an_org(**settings)
    link = {"childSObject": "ContentDocumentLink", "field": "LinkedEntityId"}
    org.describes["Case"] = describe("Case", *system_fields(), childRelationships=[link])
    org.describes["Idea"] = describe("Idea", *system_fields())
    org.rows["Case"] = [row(id_of("500", 0))]
    org.rows["Idea"] = [row(id_of("087", 0))]
    org.rows["ContentDocumentLink"].append(
        {
            "Id": id_of("06A", 501), "IsDeleted": False, "ContentDocumentId": id_of("069", 900),
            "LinkedEntityId": id_of("500", 0),
        }
    )  # fmt: skip
    return org


def test_links_that_are_refused_for_one_kind_of_record_were_missing_without_a_gap() -> None:
    org = two_kinds()
    org.wire.on("GET", r"LinkedEntityId\+IN.*001", error_answer("UNKNOWN_ERROR", "not these"))
    with org.source() as source:
        table = org.table(source, "ContentDocumentLink")
        pages = read_all(source, table)
        with pytest.raises(SourceRefused) as caught:
            list(source.census(table))
    assert set(ids(pages)) == {id_of("06A", n) for n in range(502)} - {id_of("06A", 500)}
    (finding,) = [one for page in pages for one in page.findings]
    assert (finding.kind, finding.severity) == (FindingKind.FILES_HIDDEN, Severity.GAP)
    assert (finding.table, finding.detail) == ("ContentDocumentLink", "Account")
    assert "records of Account" in finding.sentence
    assert "not these (" in finding.sentence
    assert "Query All Files" in finding.next_step
    assert [page.incomplete for page in pages if page.findings] == [True], "it deletes nothing"
    assert caught.value.code == "census-incomplete"


def test_kinds_of_records_that_never_have_links_are_no_gap() -> None:
    org = two_kinds()
    org.rows["Case"] = []
    org.wire.on("GET", r"LinkedEntityId\+IN.*(500|087)", error_answer("UNKNOWN_ERROR", "no"))
    with org.source() as source:
        pages = read_all(source, org.table(source, "ContentDocumentLink"))
    assert len(set(ids(pages))) == 501
    assert not [page for page in pages if page.incomplete or page.findings]


def test_articles_with_files_are_listed_by_their_status() -> None:
    org = an_org()
    org.describes["Article__kav"] = {**org.describes["Account"], "name": "Article__kav"}
    org.rows["Article__kav"] = [row(id_of("ka0", 0))]
    with org.source() as source:
        read_all(source, org.table(source, "ContentDocumentLink"))
    listed = [str(call.url) for call in org.wire.calls if "FROM+Article__kav" in str(call.url)]
    assert listed
    assert all("PublishStatus+IN" in url for url in listed)


def test_links_that_want_a_filter_after_all_are_read_by_parents() -> None:
    org = an_org(bulk_above=10_000)
    org.flags["PermissionsQueryAllFiles"] = True
    needed = error_answer(
        "MALFORMED_QUERY",
        "Implementation restriction: ContentDocumentLink requires a filter by a single Id",
    )
    org.wire.on("GET", r"queryAll/\?q=SELECT\+Id.*FROM\+ContentDocumentLink$", needed)
    with org.source() as source:
        table = org.table(source, "ContentDocumentLink")
        assert table.strategy == ReadStrategy.BULK.value
        assert len(set(ids(read_all(source, table)))) == 501


def test_links_are_counted_without_a_condition_on_deletion() -> None:
    org = an_org()
    org.flags["PermissionsQueryAllFiles"] = True
    org.rows["ContentDocumentLink"][0]["IsDeleted"] = True
    with org.source() as source:
        table = org.table(source, "ContentDocumentLink")
        assert source.count(table) == 500
        assert sum(len(array) for array in source.census(table)) == 500
    asked = [str(call.url) for call in org.wire.calls if "ContentDocumentLink" in str(call.url)]
    assert not any("IsDeleted+%3D" in url for url in asked)


def test_comments_are_read_by_their_ideas_and_folder_items_one_folder_each() -> None:
    org = FakeSalesforce()
    org.describes = {
        "Idea": describe("Idea", *system_fields()),
        "IdeaComment": describe("IdeaComment", *system_fields(), field("IdeaId", "reference")),
        "ContentFolder": describe("ContentFolder", *system_fields()),
        "ContentFolderItem": describe("ContentFolderItem", field("Id", "id"), field("ParentContentFolderId", "reference")),
    }  # fmt: skip
    org.rows = {
        "Idea": [row(id_of("087", n)) for n in range(2)],
        "IdeaComment": [row(id_of("00a", n), IdeaId=id_of("087", n % 2)) for n in range(4)],
        "ContentFolder": [row(id_of("07H", n)) for n in range(2)],
        "ContentFolderItem": [{"Id": id_of("07I", n), "ParentContentFolderId": id_of("07H", n % 2)} for n in range(4)],
    }  # fmt: skip
    with org.source() as source:
        comments = ids(read_all(source, org.table(source, "IdeaComment")))
        items = ids(read_all(source, org.table(source, "ContentFolderItem")))
    assert sorted(comments) == [id_of("00a", n) for n in range(4)]
    assert sorted(items) == [id_of("07I", n) for n in range(4)]
    assert len(org.wire.made("GET", "ParentContentFolderId\\+%3D")) == 2


def test_votes_are_read_for_one_type_of_parent_at_a_time() -> None:
    org = FakeSalesforce()
    parent = field("ParentId", "reference", referenceTo=["Idea", "IdeaComment"])
    org.describes["Vote"] = describe("Vote", *system_fields(), parent)
    org.rows["Vote"] = [row(id_of("083", n), **{"Parent.Type": "Idea"}) for n in range(2)]
    org.rows["Vote"] += [row(id_of("083", 9), **{"Parent.Type": "IdeaComment"})]
    with org.source() as source:
        table = org.table(source, "Vote")
        found = ids(read_all(source, table))
        counted = [one for array in source.census(table) for one in array.to_pylist()]
    assert found == [id_of("083", 0), id_of("083", 1), id_of("083", 9)]
    assert sorted(counted) == found


def test_links_that_were_not_all_looked_for_prove_no_deletion() -> None:
    """A link that a backup did not look for became a deleted one."""
    org = an_org(linked_parents=2)
    with org.source() as source:
        table = org.table(source, "ContentDocumentLink")
        assert read_all(source, table)[-1].incomplete
        with pytest.raises(SourceRefused) as caught:
            list(source.census(table))
    assert caught.value.code == "census-incomplete"


def test_a_query_that_repeats_a_record_instead_of_another_is_repeated() -> None:
    org = an_org()
    twice = [row(id_of("001", n)) for n in (0, 1, 1)]
    page = {"totalSize": 3, "done": True, "records": twice}
    org.wire.on("GET", r"SystemModstamp.*FROM\+Account", json_answer(page), org._query)
    with org.source() as source:
        pages = list(
            source.read_ids(org.table(source, "Account"), [id_of("001", n) for n in range(3)])
        )
    assert set(ids(pages)) == {id_of("001", n) for n in range(3)}
