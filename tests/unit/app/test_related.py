"""What belongs to a record: children, mails, files; of a deleted one as it was before."""

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.records.show import show
from unlost.app.records.record_facts import RecordNames
from unlost.app.records.relations import referring
from unlost.app.records.relations import related as module
from unlost.app.records.relations.related import RelatedFile, RelatedRecords, RelatedTable
from unlost.model.source.schema import DeleteRule, Reference, TableTrait, WireKind
from unlost.testing.org import ALL_TRAITS, MemoryOrg, file_cells

CUSTOMER = "A40017"
TEXT, REFERENCE = WireKind.TEXT, WireKind.REFERENCE


def owned(*tables: str) -> Reference:
    return Reference(tables, DeleteRule.CASCADE)


def add_table(
    org: MemoryOrg, name: str, *columns: str, files: bool = False, **references: Reference
) -> None:
    kinds = {**dict.fromkeys(columns, TEXT), **dict.fromkeys(references, REFERENCE)}
    org.add_table(name, kinds, references=references, files=files)


def keep_file(org: MemoryOrg, table: str, record: str, body: bytes, **cells: str | None) -> None:
    org.create(table, {**cells, **file_cells(body)}, record=record)
    org.tables[table].files[record] = body


def live(world: World) -> None:
    """A customer with two people, a case with two mails, and files of all kinds."""
    with_sales(world)
    org = world.org
    add_table(org, "Person", "Name", Firm=owned("Account"))
    add_table(org, "Case", "Name", Customer=Reference(("Account",)), Backup=Reference(("Account",)))
    add_table(org, "Mail", "Name", About=owned("Case"), Writer=Reference(("Person",)))
    add_table(org, "Document", "Name", Current=Reference(("Bytes",)))
    add_table(
        org, "Bytes", "Name", files=True, Of=Reference(("Document",)), Place=Reference(("Account",))
    )
    add_table(org, "Attachment", "Name", files=True, Parent=owned("Mail", "Account"))
    add_table(org, "Link", Entity=owned("Account", "Case"), Document=Reference(("Document",)))
    org.tables["User"].traits = ALL_TRAITS | {TableTrait.CONFIGURATION}
    for number, name in enumerate(("Ada", "Bea")):
        org.create("Person", {"Name": name, "Firm": CUSTOMER}, record=f"P{number}")
    org.create("Person", {"Name": "Elsewhere", "Firm": "A40018"}, record="P9")
    org.create("Case", {"Name": "Melted", "Customer": CUSTOMER, "Backup": CUSTOMER}, record="C1")
    org.create("Case", {"Name": "Cold", "Backup": CUSTOMER}, record="C2")
    for number in range(2):
        cells = {"Name": f"Re: {number}", "About": "C1", "Writer": "P0"}
        org.create("Mail", cells, record=f"M{number}")
    for number, current in ((1, "B2"), (2, None), (3, "B3")):
        org.create("Document", {"Name": f"Doc {number}", "Current": current}, record=f"D{number}")
    keep_file(org, "Bytes", "B1", b"old", Name="offer.pdf", Of="D1", Place=CUSTOMER)
    keep_file(org, "Bytes", "B2", b"newer", Name="offer.pdf", Of="D1", Place=None)
    keep_file(org, "Bytes", "B3", b"photo", Name="photo.png", Of="D3", Place=None)
    keep_file(org, "Attachment", "F1", b"invoice", Name="invoice.pdf", Parent="M1")
    keep_file(org, "Attachment", "F2", b"card", Name="card.txt", Parent=CUSTOMER)
    for number, entity, document in ((1, CUSTOMER, "D1"), (2, "C1", "D3"), (3, CUSTOMER, "D2")):
        org.create("Link", {"Entity": entity, "Document": document}, record=f"L{number}")
    backup(world.app, "sales")


at_work = scene(live)


@pytest.fixture
def company(world: World, at_work: Lead) -> World:
    """A customer with two people, a case with two mails, and files of all kinds."""
    at_work(world)
    return world


def around(
    world: World, record: str = CUSTOMER, *, table: str = "Account", at: str = "latest"
) -> RelatedRecords:
    found = show(world.app, "sales", table, record, at=at).related
    assert found is not None
    return found


def by_table(found: RelatedRecords) -> dict[tuple[str, str | None], RelatedTable]:
    return {(one.table, one.through): one for one in found.tables}


def test_children_are_counted_and_the_first_ones_named(company: World) -> None:
    found = around(company)
    assert found.snapshot == 1
    tables = by_table(found)
    people = tables["Person", None]
    assert (people.label, people.columns, people.count, people.lost) == ("Persons", ("Firm",), 2, 0)
    assert [(one.record, one.name, one.alive) for one in people.first] == [
        ("P0", "Ada", True),
        ("P1", "Bea", True),
    ]
    assert tables["Case", None].columns == ("Customer", "Backup")
    assert tables["Case", None].count == 2, "a record that refers twice counts once"
    assert found.unsearched == ()


def test_what_would_go_with_a_child_belongs_too(company: World) -> None:
    tables = by_table(around(company))
    mails = tables["Mail", "Case"]
    assert (mails.count, [one.name for one in mails.first]) == (2, ["Re: 0", "Re: 1"])
    assert ("Mail", "Person") not in tables, "a mail is not deleted with its writer"


def test_set_up_data_and_change_logs_do_not_belong(company: World) -> None:
    company.org.update("Account", CUSTOMER, {"Phone": "+49 1"})
    company.clock.advance(days=1)
    backup(company.app, "sales")
    assert not {"User", "AccountHistory"} & {one.table for one in around(company).tables}
    assert show(company.app, "sales", "User", "U1", at="latest").related is None


def test_records_without_a_name_are_called_after_what_they_link(company: World) -> None:
    links = by_table(around(company))["Link", None]
    assert [one.name for one in links.first] == ["Doc 1", "Doc 2"]
    assert by_table(around(company))["Link", "Case"].first[0].name == "Doc 3"


def test_files_are_found_by_every_way_once_and_in_their_newest_version(company: World) -> None:
    files = {(one.record, one.through): one for one in around(company).files}
    assert set(files) == {("F2", ""), ("B2", ""), ("F1", "Mail"), ("B3", "Case")}
    assert files["B2", ""] == RelatedFile("Bytes", "B2", "offer.pdf", "", 5, "")
    assert not {"Bytes", "Attachment"} & {one.table for one in around(company).tables}


def test_a_post_leads_straight_to_its_file(company: World) -> None:
    shown = Reference(("Attachment", "Elsewhere", "Case"))
    add_table(company.org, "Post", On=owned("Account"), Shown=shown)
    keep_file(company.org, "Attachment", "F9", b"post", Name="post.png", Parent=None)
    company.org.create("Post", {"On": CUSTOMER, "Shown": "F9"}, record="Z1")
    company.org.create("Post", {"On": CUSTOMER, "Shown": "C2"}, record="Z2")
    backup(company.app, "sales")
    assert ("F9", "Post") in {(one.record, one.through) for one in around(company).files}
    posts = by_table(around(company))["Post", None]
    assert [one.name for one in posts.first] == ["post.png", "Cold"]


def test_a_deleted_record_shows_what_belonged_to_it_before(company: World) -> None:
    before = around(company)
    company.clock.advance(days=1)
    backup(company.app, "sales")
    company.clock.advance(days=1)
    for table, record in (("Link", "L1"), ("Person", "P1"), ("Mail", "M0"), ("Account", CUSTOMER)):
        company.org.delete(table, record)
    company.org.tables["Link"].dropped = True
    for _ in range(2):
        backup(company.app, "sales")
        company.clock.advance(days=1)
    after = around(company)
    assert after.snapshot == 2, "the last backup that shows it alive"
    tables = by_table(after)
    assert (tables["Person", None].count, tables["Person", None].lost) == (2, 1)
    assert [one.alive for one in tables["Person", None].first] == [True, False]
    assert tables["Mail", "Case"].lost == 1
    assert {one.record for one in after.files} == {one.record for one in before.files}
    assert around(company, at="1").snapshot == 1


def test_a_table_that_is_gone_has_lost_everything(company: World) -> None:
    company.clock.advance(days=1)
    shape = company.vault.newest_backup(company.vault.ensure_org(company.org.identity))
    assert shape is not None
    newest = Forgetful(shape)
    table = shape.schema().table("Account")
    assert table is not None
    names = RecordNames(shape)
    found = module.related(shape, newest, table, CUSTOMER, names=names)  # type: ignore[arg-type]
    assert found is not None
    assert all(one.lost == one.count for one in found.tables)


class Forgetful:
    """A later snapshot that holds no table any more."""

    def __init__(self, shape: object) -> None:
        self.info = type("Info", (), {"number": 99})

    def tables(self) -> dict[str, object]:
        return {}


def test_a_record_that_no_backup_showed_alive_is_looked_for_where_it_is(sales: World) -> None:
    sales.org.delete("Account", CUSTOMER)
    backup(sales.app, "sales")
    assert around(sales).snapshot == 1


def test_of_the_live_org_the_newest_backup_tells(company: World) -> None:
    assert around(company, at="live") == around(company)


def test_a_record_to_which_nothing_refers_is_alone(company: World) -> None:
    found = around(company, "A40019")
    assert (found.tables, found.files, found.unsearched) == ((), (), ())


def test_tables_that_are_too_large_are_said_and_not_looked_through(
    company: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referring, "MOST_ROWS", 4)
    found = around(company)
    assert [one.table for one in found.tables] == ["Case"]
    assert {"Person", "Link", "Bytes", "Mail"} <= set(found.unsearched)


def test_many_records_are_followed_in_bounds(
    company: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referring, "MOST_FOLLOWED", 1)
    monkeypatch.setattr(referring, "MOST_IDS", 1)
    monkeypatch.setattr(module, "FIRST", 1)
    found = around(company)
    tables = by_table(found)
    assert tables["Case", None].count == 2
    assert len(tables["Case", None].first) == 1
    assert tables["Mail", "Case"].count == 2
    assert {"Case", "Person"} <= set(found.unsearched)


def test_more_files_than_people_read_are_counted(
    company: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 1)
    found = around(company)
    assert (len(found.files), found.more_files) == (1, 3)


def test_the_branch_of_a_customer_counts_and_leads_nowhere(company: World) -> None:
    """Its people are its own."""
    add_table(company.org, "Firm", "Name", Above=owned("Firm"))
    add_table(company.org, "Worker", "Name", Of=owned("Firm"))
    for record, above in (("X1", None), ("X2", "X1"), ("X3", "X2")):
        company.org.create("Firm", {"Name": record, "Above": above}, record=record)
    company.org.create("Worker", {"Name": "Ann", "Of": "X2"}, record="W2")
    company.org.create("Worker", {"Name": "Ben", "Of": "X1"}, record="W1")
    backup(company.app, "sales")
    found = around(company, "X1", table="Firm")
    assert {(one.table, one.through, one.count) for one in found.tables} == {
        ("Firm", None, 1),
        ("Worker", None, 1),
    }


def test_what_is_found_near_and_far_is_one_group(company: World) -> None:
    add_table(company.org, "Note", "Name", On=owned("Person", "Task"))
    add_table(company.org, "Task", "Name", For=owned("Account", "Person"))
    company.org.create("Task", {"Name": "Call", "For": CUSTOMER}, record="T1")
    company.org.create("Task", {"Name": "Write", "For": "P0"}, record="T2")
    for record, on in (("N1", "T1"), ("N2", "T2"), ("N3", "P1")):
        company.org.create("Note", {"Name": record, "On": on}, record=record)
    backup(company.app, "sales")
    notes = {
        (one.table, one.through): [record.name for record in one.first]
        for one in around(company).tables
    }
    assert notes["Note", "Task"] == ["N1", "N2"]
    assert notes["Note", "Person"] == ["N3"]
    assert notes["Task", None] == ["Call"]
    assert notes["Task", "Person"] == ["Write"]
