"""What waits in pieces of a run: whom it opens for, how much of it there is, and what comes of it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from manytables import GONE, ManyTables, all_named, finish, named, stored
from smallvault import rows
from unlost.model.errors import Conflict, StoreError
from unlost.model.vault.erasure import Erase, PastErasure
from unlost.model.vault.maintenance import unconditional
from unlost.vault.commits.chain import Chain
from unlost.vault.commits.intents import OpenRun
from unlost.vault.layout import object_names
from unlost.vault.write import write_buffer


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
    key = object_names.run_key(many.small.org, "r2")
    assert many.small.store.size(key) is not None
    return key


def _full(_: Chain) -> None:
    raise StoreError("store-full", "The store is full.")


@pytest.mark.parametrize("how", ["killed", "store"])
def test_the_key_of_a_committed_run_does_not_outlive_an_erasure(
    many: ManyTables, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    key = _left_open(many, monkeypatch, how=how)
    many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
    assert many.small.store.size(key) is None
    assert many.small.store.size(object_names.intent(many.small.org, "r2")) is None
    assert many.small.vault.past_operations(many.small.org, PastErasure)[0].complete


@pytest.mark.parametrize("run", ["r1", "given-up"])
def test_an_erasure_is_not_complete_while_the_key_of_a_run_that_is_over_is_there(
    many: ManyTables, run: str
) -> None:
    """A request that came late: the run was over when it was carried out."""
    many.night("r1", all_named("Ann"))
    many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
    OpenRun(many.small.org, run, sealed=many.small.vault.sealed).key(bytes(32))
    assert not many.small.vault.past_operations(many.small.org, PastErasure)[0].complete
    many.small.vault.sweep(many.small.org, run="s1")
    assert many.small.vault.past_operations(many.small.org, PastErasure)[0].complete
    assert many.small.store.size(object_names.run_key(many.small.org, run)) is None


def test_the_key_of_a_run_that_is_open_stays(many: ManyTables) -> None:
    many.night("r1", all_named("Ann"))
    many.small.vault.apply(many.small.org, unconditional(Erase((GONE,))), run="e1")
    commit = many.begin("r2")
    pieces = [commit.add_few(name, [rows(*own)]) for name, own in all_named("Bob").items()]
    many.small.vault.sweep(many.small.org, run="s1")
    assert many.small.vault.past_operations(many.small.org, PastErasure)[0].complete
    many.small.reopen()
    assert finish(many.begin("r2"), pieces).counts.changed > 0


# --- what another process was given ---------------------------------------------------------------


@pytest.mark.parametrize("later", [True, False])
def test_what_a_run_of_this_name_held_that_is_over_is_given_up(
    many: ManyTables, later: bool
) -> None:
    """Also where the next one has drawn a key of its own: not damage that somebody could repair."""
    commit = many.begin("r1")
    pieces = [stored(commit.add_few(n, [rows(*own)])) for n, own in all_named("Ann").items()]
    commit.abandon()
    many.small.reopen()
    commit = many.begin("r1")
    if later:
        commit.add_few("Alpha", [rows(*named("Alpha", "Ann"))])
    with pytest.raises(Conflict) as caught:
        commit.recall(pieces)
    assert caught.value.code == "run-given-up"


@pytest.mark.parametrize("end", ["finish", "abandon", "fail"])
def test_nothing_that_waited_stays_in_memory(
    many: ManyTables, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Nor what an earlier process of the run held, whose pieces nobody handed over."""
    for piece in all_named("Ann").items():
        many.begin("r1").add_few(piece[0], [rows(*piece[1])])
    reader = many.small.vault.org_vault(many.small.org).reader
    assert len(reader._buffered) > 4
    commit = many.begin("r1")
    piece = commit.add_few("Alpha", [rows(*named("Alpha", "Ann"))])
    if end == "finish":
        finish(commit, [piece])
    elif end == "abandon":
        commit.abandon()
    else:
        commit._open_run.close()
        with pytest.raises(Conflict):
            finish(commit, [piece])
    assert (reader._buffered, reader._pinned) == ({}, {})


def test_what_was_recalled_counts_too(many: ManyTables, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = many.begin("r1")
    pieces = [stored(commit.add_few(n, [rows(*own)])) for n, own in all_named("Ann").items()]
    size = commit._buffer._bytes
    assert size > sum(len(each.sealed) for piece in pieces for each in piece.buffered)
    many.small.reopen()
    commit = many.begin("r1")
    commit.recall(pieces)
    recalled = commit._buffer._bytes
    assert recalled == pytest.approx(size, rel=0.02)  # how rows lie in memory may differ a little
    commit.recall(pieces)
    assert commit._buffer._bytes == recalled
    monkeypatch.setattr(write_buffer, "RUN_BYTES", recalled)
    assert commit.add_few("Wide", [rows(("w", "U", {"N000": "x"}), names=("N000",))]).buffered == ()


def test_a_piece_is_recalled_once_by_however_many(many: ManyTables) -> None:
    commit = many.begin("r1")
    pieces = [stored(commit.add_few(n, [rows(*own)])) for n, own in all_named("Ann").items()]
    many.small.reopen()
    commit = many.begin("r1")
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: commit._buffer.recall(pieces), range(8)))
    assert sorted(map(len, told)) == [0] * 7 + [sum(len(piece.buffered) for piece in pieces)]
