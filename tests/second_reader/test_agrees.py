"""A reader written from the format document agrees with ours about rows, files and history."""

import ast
import json
import shutil
from pathlib import Path

import pytest

import vaultstory
from second_reader.reader import Org, Vault
from unlost.model.source.reading import Op
from unlost.vault.maintenance import compactor
from unlost.vault.stores.local import LocalStore
from vaultstory import FILES, Story

SOURCE = Path(__file__).parent / "reader.py"
BIG = {"068000000000009AAA": bytes(range(256)) * (17 << 12)}


@pytest.fixture(scope="module", params=["as-written", "compacted", "bundled"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("second") / request.param / "vault"


@pytest.fixture(scope="module")
def story(folder: Path) -> Story:
    """The story, with a file that is larger than a pack; as it is, compacted with all old segments gone, or with
    all that is little in bundles.
    """
    story = vaultstory.found(LocalStore(folder), few=folder.parent.name == "bundled")
    vaultstory.first_night(story, files=FILES | BIG)
    vaultstory.second_night(story)
    vaultstory.third_night(story)
    vaultstory.restore(story)
    if folder.parent.name == "compacted":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compactor, "due", lambda tiers, closed: [tiers] if tiers[1:] else [])
            assert story.vault.compact(story.org, run="compact-1").snapshot == 5
        story.clock.advance(days=8)
        assert story.vault.sweep(story.org, run="sweep-1").removed > 0
    return story


@pytest.fixture(scope="module")
def org(folder: Path, story: Story, tmp_path_factory: pytest.TempPathFactory) -> Org:
    """Read from a copy that has no register: a clean machine with the vault and the sheet."""
    copy = tmp_path_factory.mktemp("clean") / "vault"
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "register")
    vault = Vault(copy, story.sheet)
    assert vault.orgs() == [story.org]
    return Org(vault, story.org)


def test_the_second_reader_is_short_and_imports_nothing_of_ours() -> None:
    text = SOURCE.read_text(encoding="utf-8")
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [])
        + ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [])
    }
    assert "unlost" not in imported
    code = [line for line in text.splitlines() if line.strip() and line.strip()[0] not in '#"']
    assert len(code) <= 310


def test_it_sees_the_same_head_and_every_object(org: Org, story: Story) -> None:
    assert org.head == story.vault.commits(story.org)[-1].head
    assert org.identity["tenant"] == vaultstory.IDENTITY.tenant
    assert org.check_objects() > 15


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("table", ["Account", "Contact", "Task", "ContentVersion"])
def test_it_reads_the_same_rows(org: Org, story: Story, table: str, number: int) -> None:
    ours = story.vault.at(story.org, number).scan(table).read_all().to_pylist()
    theirs = org.live(table, number)
    assert [row["_u_id"] for row in ours] == list(theirs)
    assert ours
    for row in ours:
        other = theirs[row["_u_id"]]
        for name, cell in row.items():
            if name == "_u_snap":
                assert other["snapshot"] == cell
            else:
                assert other.get(name) == cell, name


def test_it_reads_big_cells(org: Org) -> None:
    notes = [row["Notes__c"] for row in org.live("Account", 3).values() if row["Notes__c"]]
    assert len(notes) == 3
    assert all(note.startswith(vaultstory.NOTE) for note in notes)


def test_it_reads_the_same_files(org: Org, story: Story) -> None:
    snapshot = story.vault.at(story.org, 1)
    stored = {f.record: f for f in snapshot.files("ContentVersion", list(FILES | BIG))}
    assert stored.keys() == (FILES | BIG).keys()
    for record, body in (FILES | BIG).items():
        assert org.file("ContentVersion", record, "VersionData", 1) == body
        with story.vault.open_file(story.org, stored[record].blob) as stream:
            assert stream.read() == body
    assert org.file("ContentVersion", "068000000000003AAA", "VersionData", 3) == b"a new menu"


def test_it_tells_the_same_history(org: Org, story: Story) -> None:
    versions = org.versions("Account", 3)
    for number in (5, 20, 30, 50, 60):
        record = vaultstory.account_id(number)
        ours = story.vault.history(story.org, "Account", record)
        theirs = [row for row in versions[record] if row["_u_prev"] != "="]
        assert [(v.snapshot, v.op) for v in ours] == [
            (row["snapshot"], Op(row["_u_op"])) for row in theirs
        ]
        for version, row in zip(ours, theirs, strict=True):
            assert version.observed_at == row["_u_observed_at"]
            for name, cell in version.cells.items():
                assert row[name] == cell
            named = {name for name in row if not name.startswith(("_u_", "snapshot"))}
            assert set(version.cells) in (named, set())


def test_it_reads_the_journal_and_what_came_back(org: Org, story: Story) -> None:
    assert org.journal("restore-1") == list(vaultstory.ENTRIES)
    told = {json.loads(id_)[2]: row["live"] for id_, row in org.live("$lineage", 4).items()}
    assert told == vaultstory.RESTORED
    assert {row.old: row.live for row in story.vault.lineage(story.org)} == told


def test_it_refuses_a_vault_that_was_touched(org: Org, story: Story, tmp_path: Path) -> None:
    copy = tmp_path / "vault"
    shutil.copytree(org.vault.folder, copy)
    newest = copy / "orgs" / story.org / "commits" / f"{4:020d}"
    written = newest.read_bytes()
    newest.write_bytes(written[:-1] + bytes([written[-1] ^ 1]))
    with pytest.raises(Exception, match=r".*"):
        Org(Vault(copy, story.sheet), story.org)
