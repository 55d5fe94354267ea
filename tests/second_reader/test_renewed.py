"""The reader that knows the format document alone reads a vault whose master key was renewed twice."""

from pathlib import Path

import pytest

import vaultstory
from second_reader.reader import Org, Vault
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.renewal import finish_renewal, renew_master
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.stores.local import LocalStore
from unlost.vault.vault import open_vault
from vaultstory import Story


def renewed(story: Story, slot: str, *, whole: bool) -> None:
    """A new master key; without ``whole`` it was cut off as soon as it counted."""
    new = story.keys.successor()
    key = ServiceKey.new(new, entropy=story.entropy, slot=slot)
    renew_master(story.store, story.keys, new, key=key, sheet_confirmed_at=story.clock.now(),
                 entropy=story.entropy)  # fmt: skip
    if whole:
        finish_renewal(story.store, new)
    story.keys, story.sheet = new, recovery_sheet(new).text()
    story.vault = open_vault(story.store, keys=new, clock=story.clock, entropy=story.entropy,
                             witness=story.witness, ledger=story.ledger)  # fmt: skip


@pytest.mark.parametrize("whole", [True, False])
def test_it_reads_what_is_under_both_epochs(tmp_path: Path, whole: bool) -> None:
    story = vaultstory.copied(LocalStore(tmp_path / "vault"))
    old = story.sheet
    renewed(story, "service-2", whole=True)
    renewed(story, "service-3", whole=whole)
    story.vault.compact(story.org, run="compact-1")
    org = Org(Vault(tmp_path / "vault", story.sheet), story.org)
    assert org.head == story.vault.commits(story.org)[-1].head
    assert org.check_objects() > 15
    for number in (1, 2, 3):
        ours = story.vault.at(story.org, number).scan("Account").read_all()
        assert ours.column("_u_id").to_pylist() == list(org.live("Account", number))
    with pytest.raises(AssertionError, match="followed"):
        Vault(tmp_path / "vault", old)


def test_what_somebody_puts_there_counts_for_it_neither(tmp_path: Path) -> None:
    """Junk entries, junk copies, and a key by an earlier master key."""
    story = vaultstory.copied(LocalStore(tmp_path / "vault"))
    thief = story.keys
    story.store.put_new(f"orgs/{story.org}/keys/00000001.00000002/1", b"junk")
    renewed(story, "service-2", whole=False)
    base = f"orgs/{story.org}/keys/00000001/1"
    story.store.delete(base)
    story.store.put_new(base, thief._wrap(base, bytes(32), org=story.org))
    story.store.put_new("register/00000099/1", b'{"owner":"","number":99,"signature":""}\n')
    vault = Vault(tmp_path / "vault", story.sheet)
    assert Org(vault, story.org).check_objects() > 15
    finish_renewal(story.store, story.keys)
    assert Org(Vault(tmp_path / "vault", story.sheet), story.org).check_objects() > 15
