"""Packs that are damaged in places, or on their way: a content is lost only where it is twice not there."""

import errno
import os
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

import vaultstory
from unit.vault.test_salvage_unread import Sick, flipped, gone, refused, rotten
from unlost.model.errors import StoreError
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.salvage import Salvage, SalvageEffect
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import Store
from unlost.vault.stores.memory import MemoryStore
from vaultstory import Story, opened_again

BODIES = {
    f"06800000000000{number}AAA": random.Random(number).randbytes(150_000) for number in range(5)
}


class BadSector(Sick):
    """A store whose device cannot read one byte of an object."""

    def __init__(self, inner: Store, name: str, *, at: int) -> None:
        super().__init__(inner, name, spoil=flipped, times=0)
        self._at = at

    def get(self, name: str) -> bytes:
        return self.get_range(name, start=0, length=self.size(name) or 0)

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        if name == self._sick and start <= self._at < start + length:
            sector = OSError(errno.EIO, os.strerror(errno.EIO))
            raise StoreError("store-failed", f"{name} cannot be read.") from sector
        return super().get_range(name, start=start, length=length)


def copied(story: Story) -> MemoryStore:
    store = MemoryStore()
    for one in story.store.list(""):
        assert store.put_new(one.name, story.store.get(one.name))
    return store


def pack_of_files(store: Store) -> str:
    """The largest pack."""
    packs = [one for one in store.list("orgs/") if "/packs/" in one.name]
    return max(packs, key=lambda one: one.size).name


def rot(store: Store, name: str) -> None:
    data = rotten(store.get(name))
    store.delete(name)
    assert store.put_new(name, data)


def files(story: Story) -> Iterator[tuple[str, bytes]]:
    for one in story.vault.at(story.org, 1).files("ContentVersion", list(BODIES)):
        with story.vault.open_file(story.org, one.blob) as stream:
            yield one.record, stream.read()


@pytest.fixture(scope="module")
def story() -> Story:
    """A night with files that lie in several blocks of a pack."""
    story = vaultstory.found(MemoryStore())
    vaultstory.first_night(story, files=BODIES)
    return story


def told(done: SalvageEffect) -> object:
    return replace(done, snapshot=None)


@pytest.mark.full
def test_a_content_that_comes_whole_the_second_time_is_not_lost(story: Story) -> None:
    """At whichever read of a damaged pack bytes are spoilt once: it stops, or loses no more."""
    store = copied(story)
    name = pack_of_files(store)
    rot(store, name)
    rotted = opened_again(story, store)
    sound = opened_again(story, copied(rotted))
    expected = sound.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    assert 0 < expected.files_lost < len(BODIES)
    ends = set()
    for spoil in (flipped, gone, refused):
        for after in range(30):
            other = opened_again(
                story, Sick(copied(rotted), name, spoil=spoil, times=1, after=after)
            )
            try:
                done = other.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
            except StoreError:
                assert other.vault.commits(story.org)[-1].number == 1
                ends.add("stopped")
            else:
                assert told(done) == told(expected)
                assert dict(files(other)) == dict(files(sound))
                ends.add("done")
    assert ends == {"stopped", "done"}


def test_a_bad_sector_in_a_pack_costs_the_contents_that_lie_on_it(story: Story) -> None:
    name = pack_of_files(story.store)
    size = story.store.size(name) or 0
    whole, lost = dict(files(story)), set[str]()
    for at in range(size // 20, size, size // 10):
        other = opened_again(story, BadSector(copied(story), name, at=at))
        done = other.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
        assert done.objects == (name,)
        assert other.vault.verify(VerifyLevel.DEEP).damages == ()
        named = {one.record.record for one in done.files}
        assert dict(files(other)) == {k: v for k, v in whole.items() if k not in named}
        assert 0 < len(named) < len(BODIES), "what is sealed together with it is lost"
        lost |= named
    assert lost == whole.keys()


@pytest.mark.parametrize("kind", ["/packs/", ".idx"])
@pytest.mark.parametrize("at", range(28))
def test_no_wrong_byte_of_a_head_stops_a_salvage(story: Story, kind: str, at: int) -> None:
    """Neither one that looks like the number of a newer format."""
    store = copied(story)
    name = next(one.name for one in store.list("orgs/") if kind in one.name)
    data = store.get(name)
    store.delete(name)
    assert store.put_new(name, data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
    other = opened_again(story, store)
    done = other.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    assert done.objects == (name,)
    assert other.vault.verify(VerifyLevel.FULL).damages == ()
