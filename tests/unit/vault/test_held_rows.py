"""What waits in pieces of a run: whom it opens for, how much of it there is, and what comes of it."""

import pytest

from manytables import GONE, ManyTables, all_named, finish
from smallvault import rows
from unlost.model.erasure import ErasureWish
from unlost.model.errors import StoreError
from unlost.vault import places
from unlost.vault.chain import Chain
from unlost.vault.intents import OpenRun


@pytest.fixture
def many() -> ManyTables:
    return ManyTables()


def _left_open(many: ManyTables, monkeypatch: pytest.MonkeyPatch, *, how: str) -> str:
    """A run that was committed and did not come to say so; the name of its key."""
    many.night("r1", all_named("Ann"))
    with monkeypatch.context() as patch:
        if how == "killed":
            patch.setattr(OpenRun, "close", lambda _: None)
        else:
            patch.setattr(Chain, "seal_checkpoint", _full)
        many.night("r2", all_named("Bob"))
    many.small.reopen()
    key = places.run_key(many.small.org, "r2")
    assert many.small.store.size(key) is not None
    return key


def _full(_: Chain) -> None:
    raise StoreError("store-full", "The store is full.")


@pytest.mark.parametrize("how", ["killed", "store"])
def test_the_key_of_a_committed_run_does_not_outlive_an_erasure(
    many: ManyTables, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    key = _left_open(many, monkeypatch, how=how)
    many.small.vault.erase(many.small.org, ErasureWish((GONE,)), run="e1")
    assert many.small.store.size(key) is None
    assert many.small.store.size(places.intent(many.small.org, "r2")) is None
    assert many.small.vault.erasures(many.small.org)[0].complete


@pytest.mark.parametrize("run", ["r1", "given-up"])
def test_an_erasure_is_not_complete_while_the_key_of_a_run_that_is_over_is_there(
    many: ManyTables, run: str
) -> None:
    """A request that came late: the run was over when it was carried out."""
    many.night("r1", all_named("Ann"))
    many.small.vault.erase(many.small.org, ErasureWish((GONE,)), run="e1")
    OpenRun(many.small.org, run, sealed=many.small.vault.sealed).key(bytes(32))
    assert not many.small.vault.erasures(many.small.org)[0].complete
    many.small.vault.sweep(many.small.org, run="s1")
    assert many.small.vault.erasures(many.small.org)[0].complete
    assert many.small.store.size(places.run_key(many.small.org, run)) is None


def test_the_key_of_a_run_that_is_open_stays(many: ManyTables) -> None:
    many.night("r1", all_named("Ann"))
    many.small.vault.erase(many.small.org, ErasureWish((GONE,)), run="e1")
    commit = many.begin("r2")
    pieces = [commit.add_few(name, [rows(*own)]) for name, own in all_named("Bob").items()]
    many.small.vault.sweep(many.small.org, run="s1")
    assert many.small.vault.erasures(many.small.org)[0].complete
    many.small.reopen()
    assert finish(many.begin("r2"), pieces).counts.changed > 0
