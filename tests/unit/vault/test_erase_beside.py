"""Erasing beside other processes: who was open all the while, who is about to commit."""

from collections.abc import Sequence

import pytest

import scanner
import vaultstory
from smallvault import SmallVault
from unlost.model.errors import Conflict, UsageError
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase, MatchColumn
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.layout import object_names
from unlost.vault.maintenance.erase import eraser
from unlost.vault.maintenance.erase_cleanup import remove_erased
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, open_vault

ZOE = RecordKey("Contact", "003000000000003AAA")


def wish(*records: RecordKey, match: Sequence[MatchColumn] = ()) -> Erase:
    return Erase(records, tuple(match), by="admin")


def other_process(story: vaultstory.Story) -> EncryptedVault:
    return open_vault(
        story.store,
        keys=story.keys,
        clock=story.clock,
        entropy=story.entropy,
        witness=story.witness,
        ledger=story.ledger,
    )


def numbers(vault: EncryptedVault, org: str) -> list[int]:
    return [info.number for info in vault.commits(org)]


def test_who_was_open_all_the_while_follows_past_what_was_erased() -> None:
    """A service beside a command: the commits in between are redactions by now."""
    story = vaultstory.found(MemoryStore())
    vaultstory.first_night(story)
    service = other_process(story)
    assert numbers(service, story.org) == numbers(story.vault, story.org)
    vaultstory.second_night(story)
    story.vault.apply(story.org, unconditional(wish(ZOE)), run="e1")
    last = numbers(story.vault, story.org)[-1]
    assert story.store.size(object_names.commit(story.org, last - 1)) is None
    assert numbers(service, story.org)[-1] == last
    vaultstory.third_night(story)
    story.vault.apply(
        story.org, unconditional(wish(RecordKey("Contact", "003000000000001AAA"))), run="e2"
    )
    assert numbers(service, story.org) == numbers(story.vault, story.org)
    commit = service.begin(
        story.org, run="night-9", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    assert commit.finish([], as_of=story.clock.now()).number == numbers(service, story.org)[-1]
    assert service.verify(VerifyLevel.DEEP).damages == ()


def test_a_sweep_leaves_an_erasure_alone_that_is_about_to_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two homes with one vault: the sweep of one comes before the commit of the other."""
    story = vaultstory.copied()
    commits = eraser._Erasing._commit_written

    def late(self: eraser._Erasing, *given: object) -> int:
        other = other_process(story)
        remove_erased(other.org_vault(story.org), other.org_vault(story.org).chain.proved())
        return commits(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(eraser._Erasing, "_commit_written", late)
    story.vault.apply(story.org, unconditional(wish(ZOE)), run="e1")
    assert other_process(story).verify(VerifyLevel.DEEP).damages == ()
    assert scanner.found(story.vault, ZOE.record) == set()


def test_no_manifest_goes_while_what_stands_in_its_place_is_away() -> None:
    story = vaultstory.copied()
    kept = {one.name: story.store.get(one.name) for one in story.store.list("")}
    story.vault.apply(story.org, unconditional(wish(ZOE)), run="e1")
    redaction = next(iter(story.store.list(object_names.redactions(story.org)))).name
    manifest = object_names.commit(story.org, object_names.redacted(redaction))
    story.store.put_new(manifest, kept[manifest])  # as if its removal had been cut off
    body = story.store.get(redaction)
    story.store.delete(redaction)
    org_vault = story.vault.org_vault(story.org)
    remove_erased(org_vault, org_vault.chain.live())
    assert story.store.size(manifest) is not None
    story.store.put_new(redaction, body)
    remove_erased(org_vault, org_vault.chain.live())
    assert story.store.size(manifest) is None


def test_a_column_of_a_table_of_which_nothing_goes_is_refused() -> None:
    small = SmallVault()
    small.night("n1", ("a", "U", {"Name": "Anna"}))
    match = MatchColumn("Other", "Name")
    with pytest.raises(UsageError) as caught:
        small.vault.apply(
            small.org, unconditional(wish(RecordKey("T", "a"), match=[match])), run="e1"
        )
    assert caught.value.code in {"column-unknown", "match-no-record"}
    story = vaultstory.copied()
    with pytest.raises(UsageError) as nobody:
        story.vault.apply(
            story.org, unconditional(wish(ZOE, match=[MatchColumn("Account", "Name")])), run="e1"
        )
    assert nobody.value.code == "match-no-record"
    assert not isinstance(nobody.value, Conflict)
