"""Which objects a look proves: all, none, or those of one part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vaultstory
from unlost.model.errors import UsageError
from unlost.model.vault.snapshot import MOST_PARTS, VerifyLevel, VerifyPart, read_part
from unlost.vault.maintenance.verify import VerifyScope


@given(st.text("abcdef0123456789/.", min_size=1), st.integers(1, 40))
def test_an_object_is_in_one_part(name: str, of: int) -> None:
    proving = [
        n for n in range(1, of + 1) if VerifyScope(VerifyLevel.FULL, VerifyPart(n, of)).proves(name)
    ]
    assert len(proving) == 1
    assert VerifyScope(VerifyLevel.FULL).proves(name)
    assert not VerifyScope(VerifyLevel.QUICK).proves(name)


def test_parts_are_about_alike() -> None:
    looks = [VerifyScope(VerifyLevel.FULL, VerifyPart(n, 30)) for n in range(1, 31)]
    names = [f"orgs/a/data/ab/{n:032x}" for n in range(3_000)]
    sizes = [sum(look.proves(name) for name in names) for look in looks]
    assert min(sizes) > 50
    assert max(sizes) < 150


def test_damage_is_found_by_the_part_that_has_it_and_loss_by_each() -> None:
    story = vaultstory.copied()
    names = [one.name for one in story.store.list("") if "/data/" in one.name]
    flipped, lost = names[0], names[-1]
    data = story.store.get(flipped)
    story.store.delete(flipped)
    story.store.put_new(flipped, data[:-1] + bytes([data[-1] ^ 1]))
    story.store.delete(lost)
    found = []
    for number in range(1, 8):
        part = VerifyPart(number, 7)
        damages = {d.object for d in story.vault.verify(VerifyLevel.FULL, part=part).damages}
        assert lost in damages
        found += damages - {lost}
    assert found == [flipped]


def test_a_part_is_read_and_told() -> None:
    assert str(read_part("7/30")) == "7/30"
    assert read_part(f"1/{MOST_PARTS}") == VerifyPart(1, MOST_PARTS)
    for text in ("", "7", "0/3", "4/3", "1/1001", "a/b", "1/2/3", "-1/3"):
        with pytest.raises(UsageError) as caught:
            read_part(text)
        assert caught.value.code == "verify-part-wrong"
