"""Who knows the format document alone sees that an org was shredded, and can prove when."""

from pathlib import Path

import vaultstory
from second_reader.reader import Vault
from unlost.vault.maintenance.shred import plan_shredding, shred_org
from unlost.vault.stores.local import LocalStore


def test_it_finds_the_proof_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    story = vaultstory.copied(LocalStore(folder))
    org_vault = story.vault.org_vault(story.org)
    head = story.vault.commits(story.org)[-1].head
    shred_org(org_vault, plan_shredding(org_vault, now=story.clock.now()), at=story.clock.now())
    vault = Vault(folder, story.sheet)
    assert vault.orgs() == []
    for copy in ("1", "3"):
        (folder / "register" / f"{vault.register['number']:08d}" / copy).unlink()
    said = Vault(folder, story.sheet).shredded[story.org]
    assert (said["head"], said["at"]) == (head, story.clock.now().isoformat())
