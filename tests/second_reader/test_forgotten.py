"""The second reader reads what is left of a vault that has forgotten, when the old objects are gone."""

import shutil
from pathlib import Path

import vaultstory
from second_reader.reader import Org, Vault
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, KeepRules
from unlost.vault.stores.local import LocalStore

NEWEST = 3


def test_what_is_left_is_read_alike(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    story = vaultstory.found(LocalStore(folder))
    for night in (vaultstory.first_night, vaultstory.second_night, vaultstory.third_night):
        night(story)
    vaultstory.restore(story)
    done = story.vault.apply(story.org, unconditional(Forget(KeepRules(daily=1))), run="forget-1")
    assert done.staying == (2, NEWEST)  # the newest good one, and the newest
    assert done.versions > 0
    story.clock.advance(days=8)
    assert story.vault.sweep(story.org, run="sweep-1").removed > 0
    shutil.rmtree(folder / "register")
    org = Org(Vault(folder, story.sheet), story.org)
    assert org.check_objects() > 10
    for table in ("Account", "Contact", "Task", "ContentVersion"):
        ours = story.vault.at(story.org, NEWEST).scan(table).read_all().to_pylist()
        theirs = org.live(table, NEWEST)
        assert {row["_u_id"] for row in ours} == theirs.keys()
        for row in ours:
            told = theirs[row["_u_id"]] | {"_u_snap": theirs[row["_u_id"]]["snapshot"]}
            assert {name: told.get(name) for name in row} == row
    for stored in story.vault.at(story.org, NEWEST).files("ContentVersion", list(vaultstory.FILES)):
        with story.vault.open_file(story.org, stored.blob) as stream:
            body = stream.read()
        assert org.file("ContentVersion", stored.record, "VersionData", NEWEST) == body
    left = org.versions("Account", NEWEST)
    for record, rows in left.items():
        ours = story.vault.history(story.org, "Account", record)
        assert [version.snapshot for version in ours] == [row["snapshot"] for row in rows]
