"""The reader that knows the format document alone reads a vault that was merged and sealed anew."""

from pathlib import Path

import vaultstory
from second_reader.reader import Org, Vault
from second_reader.test_renewed import renewed
from unlost.vault.maintenance.garbage import GRACE
from unlost.vault.stores.local import LocalStore
from vaultstory import ENTRIES, FILES, Story


def agrees(folder: Path, story: Story) -> Org:
    """What the reader sees is what the vault says."""
    org = Org(Vault(folder, story.sheet), story.org)
    assert org.head == story.vault.commits(story.org)[-1].head
    assert org.check_objects() > 15
    assert org.journal("restore-1") == list(ENTRIES)
    for number in (1, 2, 3):
        for table in ("Account", "Contact", "Task"):
            ours = story.vault.at(story.org, number).scan(table).read_all()
            theirs = org.live(table, number)
            assert ours.column("_u_id").to_pylist() == list(theirs)
        accounts = org.live("Account", number)
        told = story.vault.at(story.org, number).scan("Account").read_all().to_pylist()
        assert [row["Notes__c"] for row in told] == [
            accounts[row["_u_id"]].get("Notes__c") for row in told
        ]
    for record, body in FILES.items():
        assert org.file("ContentVersion", record, "VersionData", 1) == body
    return org


def test_it_reads_what_was_merged_and_then_sealed_anew(tmp_path: Path) -> None:
    story = vaultstory.copied(LocalStore(tmp_path / "vault"))
    story.vault.compact(story.org, run="compact-1")
    agrees(tmp_path / "vault", story)
    for number in (2, 3):
        renewed(story, f"service-{number}", whole=True)
        done = story.vault.rekey(story.org, run=f"rekey-{number}")
        assert not done.complete
        agrees(tmp_path / "vault", story)  # with the old objects beside
        story.clock.advance(seconds=GRACE.total_seconds())
        story.vault.sweep(story.org, run=f"sweep-{number}")
        assert story.vault.rekey(story.org, run=f"end-{number}").complete
        org = agrees(tmp_path / "vault", story)
        folder = tmp_path / "vault" / org.root / "keys"
        keys = {path.parent.name for path in folder.rglob("*") if path.is_file()}
        assert keys == {
            f"{number:08d}.{number:08d}",
            f"identity.{number:08d}",
        }
