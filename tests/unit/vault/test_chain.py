"""The chain: it is never followed over a hole, a stranger, or back to where it once was."""

import pytest

from smallvault import TABLE, SmallVault, finish, rows
from unlost.model.errors import IntegrityError, NotFound
from unlost.model.ports.system import Witnessed
from unlost.testing.system import MemoryWitness
from unlost.vault.commits import chain
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.layout import object_names
from unlost.vault.stores.fault import Fault, FaultKind, FaultStore, StoreOperation
from unlost.vault.stores.memory import MemoryStore

A = {"Name": "Anna"}


def nights(count: int, **given: object) -> SmallVault:
    small = SmallVault(**given)  # type: ignore[arg-type]
    for number in range(1, count + 1):
        small.night(f"r{number}", ("a", "U", {"Name": f"v{number}"}))
    return small


def commit_name(small: SmallVault, seq: int) -> str:
    return object_names.commit(small.org, seq)


def replace(small: SmallVault, name: str, data: bytes) -> None:
    small.store.delete(name)
    assert small.store.put_new(name, data)


def broken(small: SmallVault) -> str:
    """The code with which reading and writing are refused by another process."""
    vault = small.reopen()
    with pytest.raises(IntegrityError) as reading:
        vault.snapshots(small.org)
    with pytest.raises(IntegrityError) as writing:
        small.night("new", ("z", "U", A))
    assert reading.value.code == writing.value.code
    return reading.value.code


def test_a_hole() -> None:
    small = nights(3)
    small.store.delete(commit_name(small, 2))
    assert broken(small) == "chain-hole"


def test_a_hole_that_opens_under_an_open_vault() -> None:
    small = nights(1)
    other = SmallVault.__new__(SmallVault)
    other.__dict__ |= small.__dict__
    other.reopen()
    for number in (2, 3):
        other.night(f"r{number}", ("a", "U", A))
    small.store.delete(commit_name(small, 2))
    small.vault = small.vault
    with pytest.raises(IntegrityError) as caught:
        SmallVault.begin(small, "new")
    assert caught.value.code in {"chain-hole", "chain-cut"}


def test_a_newest_commit_that_goes_away_under_an_open_vault() -> None:
    small = nights(2)
    small.store.delete(commit_name(small, 2))
    with pytest.raises(IntegrityError) as caught:
        small.begin("new")
    assert caught.value.code == "chain-cut"


def test_a_flipped_bit() -> None:
    small = nights(2)
    data = bytearray(small.store.get(commit_name(small, 2)))
    data[-1] ^= 1
    replace(small, commit_name(small, 2), bytes(data))
    assert broken(small) == "object-damaged"


def test_a_commit_under_another_number() -> None:
    """Sealed bytes open only under the name that they were sealed for."""
    small = nights(2)
    replace(small, commit_name(small, 2), small.store.get(commit_name(small, 1)))
    assert broken(small) == "object-damaged"


def resealed(small: SmallVault, seq: int, content_of: int) -> None:
    """What only a holder of the keys can do: another manifest, properly sealed."""
    sealed = small.vault.sealed
    name, other = commit_name(small, seq), commit_name(small, content_of)
    content = sealed.get(ObjectKind.MANIFEST, org=small.org, name=other)
    small.store.delete(name)
    sealed.put_new(ObjectKind.MANIFEST, org=small.org, name=name, content=content)


def test_a_manifest_that_says_another_number() -> None:
    small = nights(2)
    resealed(small, 2, content_of=1)
    assert broken(small) == "chain-replaced"


def test_a_wrong_parent() -> None:
    small, other = nights(2), nights(3)
    manifest, _ = other.vault.org_vault(other.org).chain.manifest(2)
    assert small.org == other.org  # same seed, same ids
    sealed = small.vault.sealed
    name = commit_name(small, 2)
    import msgspec

    from unlost.vault.format.manifest import pack

    content = pack(msgspec.structs.replace(manifest, parent="00" * 32))
    small.store.delete(name)
    sealed.put_new(ObjectKind.MANIFEST, org=small.org, name=name, content=content)
    assert broken(small) == "chain-parent"


# --- the witness ----------------------------------------------------------------------------------


def test_the_witness_notices_a_removed_newest_commit() -> None:
    small = nights(2, witness=MemoryWitness())
    small.store.delete(commit_name(small, 2))
    assert broken(small) == "chain-cut"


def test_without_a_witness_it_is_not_noticed() -> None:
    small = nights(2)
    small.store.delete(commit_name(small, 2))
    assert [i.number for i in small.reopen().snapshots(small.org)] == [1]


def test_the_witness_notices_an_emptied_chain() -> None:
    small = nights(1, witness=MemoryWitness())
    small.store.delete(commit_name(small, 1))
    assert broken(small) == "chain-cut"


def test_the_witness_notices_a_chain_that_is_emptied_under_an_open_vault() -> None:
    small = SmallVault(witness=MemoryWitness())
    assert small.vault.snapshots(small.org) == ()
    other = small.vault
    small.reopen()
    small.night("r1", ("a", "U", A))
    small.store.delete(commit_name(small, 1))
    small.vault = other
    with pytest.raises(IntegrityError) as caught:
        small.begin("new")
    assert caught.value.code == "chain-cut"


class Asked(MemoryWitness):
    """Counts how often it is asked."""

    times = 0

    def get(self, org: str) -> Witnessed | None:
        self.times += 1
        return super().get(org)


def test_a_first_backup_opened_the_empty_chain_anew_for_each_table() -> None:
    witness = Asked()
    small = SmallVault(witness=witness)
    commit = small.begin("r1")
    before = witness.times
    added = [commit.add(TABLE, [rows((f"a{n}", "U", A))]) for n in range(8)]
    assert witness.times == before
    finish(commit, *added)


def test_the_witness_notices_another_history() -> None:
    witness = MemoryWitness()
    small = nights(2, witness=witness)
    witness.put(small.org, Witnessed(number=1, head="ab" * 32))
    assert broken(small) == "chain-replaced"


def test_the_witness_advances() -> None:
    witness = MemoryWitness()
    small = nights(2, witness=witness)
    head = small.vault.snapshots(small.org)[-1].head
    assert witness.get(small.org) == Witnessed(number=2, head=head)
    witness.put(small.org, Witnessed(number=1, head=small.vault.snapshots(small.org)[0].head))
    small.reopen().snapshots(small.org)
    assert witness.get(small.org) == Witnessed(number=2, head=head)


def test_a_vault_seen_for_the_first_time() -> None:
    small = nights(1)
    small.witness = witness = MemoryWitness()
    small.reopen().snapshots(small.org)
    assert witness.get(small.org) is not None


# --- checkpoints ----------------------------------------------------------------------------------


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "CHECKPOINT_EVERY", 2)
    monkeypatch.setattr(chain, "_KEPT_MANIFESTS", 2)


class Counting(MemoryStore):
    """Counts which commits are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def get(self, name: str) -> bytes:
        self.read.append(name)
        return super().get(name)


@pytest.mark.usefixtures("often")
def test_a_checkpoint_saves_reading_the_chain() -> None:
    store = Counting()
    small = nights(5, store=store)
    vault = small.reopen()
    store.read.clear()
    assert [i.number for i in vault.snapshots(small.org)] == [1, 2, 3, 4, 5]
    read = {object_names.sequence(name) for name in store.read if "/commits/" in name}
    assert read == {4, 5}
    assert small.cells(5)["a"]["Name"] == "v5"
    assert small.cells(1)["a"]["Name"] == "v1"
    assert [v.cells["Name"] for v in vault.history(small.org, TABLE, "a")] == [
        f"v{n}" for n in range(1, 6)
    ]


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("spoil", ["flip", "swap", "lie"])
def test_a_checkpoint_that_does_not_prove_itself_is_not_believed(spoil: str) -> None:
    small = nights(4)
    name, older = (object_names.checkpoint(small.org, n) for n in (4, 2))
    if spoil == "flip":
        data = bytearray(small.store.get(name))
        data[40] ^= 1
        replace(small, name, bytes(data))
    elif spoil == "swap":
        replace(small, name, small.store.get(older))
    else:
        sealed = small.vault.sealed
        content = sealed.get(ObjectKind.CHECKPOINT, org=small.org, name=older)
        small.store.delete(name)
        sealed.put_new(ObjectKind.CHECKPOINT, org=small.org, name=name, content=content)
    small.reopen()
    assert small.cells(4)["a"]["Name"] == "v4"


@pytest.mark.usefixtures("often")
def test_checkpoints_that_newer_ones_stand_for_are_removed() -> None:
    """Each repeats all that is live: with many commits a day they would fill the vault."""
    small = nights(11)
    left = [
        object_names.sequence(one.name)
        for one in small.store.list(object_names.checkpoints(small.org))
    ]
    assert left == [6, 8, 10]
    for seq in left:
        small.store.delete(object_names.checkpoint(small.org, seq))
    small.reopen()
    assert small.cells(11)["a"]["Name"] == "v11", "they are a cache"


@pytest.mark.usefixtures("often")
def test_a_checkpoint_ahead_of_the_chain_is_no_commit() -> None:
    small = nights(4)
    for seq in (3, 4):
        small.store.delete(commit_name(small, seq))
    assert [i.number for i in small.reopen().snapshots(small.org)] == [1, 2]


# --- asking ---------------------------------------------------------------------------------------


def test_numbers_that_do_not_exist() -> None:
    small = nights(1)
    for number in (0, 2, -1):
        with pytest.raises(NotFound) as caught:
            small.vault.at(small.org, number)
        assert caught.value.code == "snapshot-unknown"


def test_two_processes_see_each_others_nights() -> None:
    small = nights(1)
    first = small.vault
    second = small.reopen()
    small.night("r2", ("a", "U", {"Name": "v2"}))
    assert [i.number for i in first.snapshots(small.org)] == [1, 2]
    small.vault = first
    commit = small.begin("r3")
    finish(commit, commit.add(TABLE, [rows(("a", "P", None))]))
    assert [i.number for i in second.snapshots(small.org)] == [1, 2, 3]


def test_every_snapshot_stays_as_it_was() -> None:
    small = nights(4)
    assert [small.cells(n)["a"]["Name"] for n in range(1, 5)] == ["v1", "v2", "v3", "v4"]


def test_a_store_that_only_lets_one_read_is_read_and_nothing_is_remembered() -> None:
    """Only who may write can make sure that a commit survives a power cut."""
    small = nights(2, witness=MemoryWitness())
    small.witness = MemoryWitness()
    faults = [Fault(FaultKind.FAILS, at=at, on=StoreOperation.PUT) for at in (1, 2)]
    store = FaultStore(small.store, faults=faults)
    small.store = store
    assert [info.number for info in small.reopen().snapshots(small.org)] == [1, 2]
    assert small.cells(2)["a"]["Name"] == "v2"
    assert small.witness.get(small.org) is None
    assert [info.number for info in small.reopen().snapshots(small.org)] == [1, 2]
    store.assert_all_hit()
    small.reopen().snapshots(small.org)
    seen = small.witness.get(small.org)
    assert seen is not None
    assert seen.number == 2


def far(small: SmallVault, *faults: Fault) -> FaultStore:
    """The same vault as another process finds it, over a store without files."""
    store = FaultStore(small.store, faults=faults)
    small.store = store
    small.reopen()
    return store


def test_each_manifest_of_a_store_that_is_far_away_is_read_once() -> None:
    small = SmallVault()
    for number in range(5):
        small.night(f"night-{number}", ("a", "U", {"Name": f"Anna {number}"}))
    told, near = small.cells(5), small.store
    whole = far(small)
    assert small.cells(5) == told
    gets = [call.name for call in whole.calls if call.operation is StoreOperation.GET]
    commits = [name for name in gets if "/commits/" in name and object_names.sequence(name) <= 5]
    assert len(commits) == len(set(commits)) == 5
    first = min(gets.index(name) for name in commits) + 1
    small.store = near
    store = far(small, Fault(FaultKind.FAILS, at=first, on=StoreOperation.GET))
    assert small.cells(5) == told  # what failed is asked again
    store.assert_all_hit()
