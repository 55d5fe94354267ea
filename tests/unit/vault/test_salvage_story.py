"""Salvaging a vault with files, long texts, deletions, bundles, and a restore: object by object."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import vaultstory
from second_reader.reader import Org, Vault
from sweeps import parts_of
from unlost.model.errors import Conflict, NotFound
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.past_salvage import PastSalvage
from unlost.model.vault.salvage import Salvage, SalvageEffect
from unlost.model.vault.snapshot import CommitKind, VerifyLevel, Version
from unlost.vault.stores.local import LocalStore
from vaultstory import FILES, IDENTITY, Story

pytestmark = pytest.mark.full

TABLES = ("Account", "Contact", "Task", "ContentVersion")
LATER = 3
PARTS = 16  # tests that share the objects

type Told = dict[tuple[str, str, int], Version]


def opened(story: Story, folder: Path) -> Story:
    """The same vault in another folder, opened by another process."""
    return vaultstory.opened_again(story, LocalStore(folder))


def versions(story: Story) -> Told:
    org_vault = story.vault.org_vault(story.org)
    found = {}
    state = org_vault.chain.live()
    for table in ("Account", "Contact", "ContentVersion"):
        ids = [f"{p}{n:012d}AAA" for p in ("001", "003", "068") for n in range(121)]
        view = org_vault.view(table, until=state.seq, state=state)
        for record in ids if view else ():
            for one in story.vault.history(story.org, table, record):
                found[table, record, one.snapshot] = one
    return found


def objects(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder))
        for kind in ("data", "packs")
        for path in folder.glob(f"orgs/*/{kind}/*/*")
    )


def hurt(folder: Path, name: str, how: str) -> None:
    path = folder / name
    data = bytearray(path.read_bytes())
    path.unlink()
    if how == "spoiled":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


def salvaged(story: Story) -> SalvageEffect:
    plan = story.vault.plan(story.org, Salvage()).effect
    done = story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    assert plan == replace(done, snapshot=None)
    assert done.snapshot == story.vault.commits(story.org)[-1].number
    assert story.vault.verify(VerifyLevel.FULL).damages == ()
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    return done


def second_reader_agrees(story: Story, folder: Path) -> None:
    org = Org(Vault(folder, story.sheet), story.org)
    assert org.check_objects() > 5
    for table in TABLES:
        ours = story.vault.at(story.org, LATER).scan(table).read_all().to_pylist()
        theirs = org.live(table, LATER)
        assert {row["_u_id"] for row in ours} == theirs.keys()
        for row in ours:
            told = theirs[row["_u_id"]] | {"_u_snap": theirs[row["_u_id"]]["snapshot"]}
            assert {name: told.get(name) for name in row} == row


@pytest.mark.parametrize("part", parts_of(PARTS, full=1))
@pytest.mark.parametrize(
    ("few", "how"),
    [(False, "gone"), (False, "spoiled"), (True, "spoiled")],
    ids=["segments-gone", "segments-spoiled", "bundles-spoiled"],
)
def test_any_object_may_be_lost(tmp_path: Path, few: bool, how: str, part: int) -> None:
    story = vaultstory.copied(LocalStore(tmp_path / "vault"), few=few)
    before = versions(story)
    for number, name in list(enumerate(objects(tmp_path / "vault")))[part::PARTS]:
        folder = tmp_path / f"copy-{number}"
        shutil.copytree(tmp_path / "vault", folder)
        hurt(folder, name, how)
        other = opened(story, folder)
        done = salvaged(other)
        assert done.objects == (name,)
        after = versions(other)
        assert after.keys() <= before.keys()
        own = {one.table: one for one in done.tables}
        for key, version in after.items():
            lacking = before[key].cells.keys() - version.cells.keys()
            assert version.cells.items() <= before[key].cells.items()
            assert not lacking or lacking <= set(own[key[0]].columns)
        gone = {key[0] for key in before.keys() - after.keys()}
        assert all(own[table].lost or own[table].reduced for table in gone)
        files_are_told(other, done)
        second_reader_agrees(other, folder)
        shutil.rmtree(folder)


def files_are_told(story: Story, done: SalvageEffect) -> None:
    """Each file reads as it was, or is named; its record is there all the same."""
    records = list(FILES)
    held = {f.record: f for f in story.vault.at(story.org, LATER).files("ContentVersion", records)}
    named = {one.record.record for one in done.files}
    unnamed = any(one.spans for one in done.tables if one.table == "$files")
    for record, file in held.items():
        with story.vault.open_file(story.org, file.blob) as stream:
            body = stream.read()
        assert body in (FILES[record], b"a new menu")
    assert unnamed or set(records) - held.keys() <= named


def test_a_lost_pack_costs_its_files_and_the_next_backup_brings_them_again(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    story = vaultstory.copied(LocalStore(folder))
    packs = [name for name in objects(folder) if "/packs/" in name]
    for name in packs:
        hurt(folder, name, "gone")
    other = opened(story, folder)
    done = salvaged(other)
    assert done.files_lost >= 3
    assert {"ContentVersion", "Account"} <= set(done.reread)
    states = other.vault.at(other.org, LATER).tables()
    assert {table for table, state in states.items() if state.cursor is None} == set(done.reread)
    (notes,) = [one for one in done.tables if one.table == "Account"]
    assert (notes.columns, notes.lost) == (("Notes__c",), 0)
    rows = other.vault.at(other.org, LATER).get("Account", [vaultstory.account_id(57)])
    assert rows["Notes__c"].to_pylist() == [None]
    unread = other.vault.at(other.org, LATER).unread("Account", [vaultstory.account_id(57)])
    assert unread == {vaultstory.account_id(57): frozenset({"Notes__c"})}
    commit = other.vault.begin(other.org, run="night-9", kind=CommitKind.BACKUP, identity=IDENTITY)
    again = [
        commit.add("Account", [other.rows(vaultstory.accounts([57], Region__c=None))]),
        commit.add_files(vaultstory.file(record, FILES[record], "x") for record in list(FILES)[:2]),
    ]
    number = vaultstory.finish(other, commit, again).number
    at = other.vault.at(other.org, number)
    assert at.get("Account", [vaultstory.account_id(57)])["Notes__c"].to_pylist() != [None]
    assert at.unread("Account", [vaultstory.account_id(57)]) == {}
    assert len(at.files("ContentVersion", list(FILES)[:2])) == 2
    assert other.vault.verify(VerifyLevel.DEEP).damages == ()


def test_nothing_is_salvaged_beside_an_open_run_and_no_run_over_it(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    story = vaultstory.copied(LocalStore(folder))
    hurt(folder, objects(folder)[0], "gone")
    other = opened(story, folder)
    commit = other.vault.begin(other.org, run="night-8", kind=CommitKind.BACKUP, identity=IDENTITY)
    with pytest.raises(Conflict) as caught:
        other.vault.apply(other.org, unconditional(Salvage()), run="salvage-1")
    assert caught.value.code == "runs-open"
    commit.abandon()
    salvaged(other)
    with pytest.raises(Conflict) as late:
        commit.finish([], as_of=other.clock.now())
    assert late.value.code in ("run-given-up", "forgotten-meanwhile")
    (told,) = other.vault.past_operations(other.org, PastSalvage)
    assert told.run == "salvage-1"
    assert "Lost" in " ".join(told.sentences)


def test_where_nothing_is_damaged_nothing_happens(tmp_path: Path) -> None:
    story = vaultstory.copied(LocalStore(tmp_path / "vault"))
    assert story.vault.plan(story.org, Salvage()).effect == SalvageEffect()
    assert (
        story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1") == SalvageEffect()
    )
    assert story.vault.commits(story.org)[-1].run == "restore-1"
    with pytest.raises(NotFound):
        story.vault.plan("0" * 32, Salvage())


def test_a_damaged_schema_stops_it(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    story = vaultstory.copied(LocalStore(folder))
    (first, *_) = sorted(folder.glob("orgs/*/schemas/*"))
    first.unlink()
    from unlost.model.errors import IntegrityError

    with pytest.raises(IntegrityError) as caught:
        opened(story, folder).vault.plan(story.org, Salvage())
    assert caught.value.code == "salvage-schema"
