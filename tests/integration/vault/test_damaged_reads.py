"""Reading a damaged vault gives what was written or an error that names the object; never less."""

from collections.abc import Callable

import pytest

import vaultstory
from sweeps import parts_of
from unlost.model.errors import IntegrityError, NotFound, UnlostError, UsageError
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import MemoryWitness
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import open_vault
from vaultstory import FILES, Story

pytestmark = pytest.mark.full

PARTS = 3  # tests that share the objects
TABLES = ("Account", "Contact", "Task", "ContentVersion")


@pytest.fixture(scope="module")
def story() -> Story:
    return vaultstory.copied()


def read_everything(story: Story, store: MemoryStore) -> list[object]:
    """Rows, deleted rows, history, files, hits: all that people ask for."""
    entropy = SeededEntropy(3)
    keys = open_keyring(store, ByRecoverySheet(story.sheet), entropy=entropy)
    vault = open_vault(
        store, keys=keys, clock=VirtualClock(), entropy=entropy, witness=MemoryWitness()
    )
    head = vault.newest_backup(story.org)
    assert head is not None
    found: list[object] = [vault.orgs(), head.info, head.certificate(), head.schema()]
    for number in (1, 3, 4):
        snapshot = vault.at(story.org, number)
        found += [snapshot.scan(table).read_all() for table in TABLES]
        found += [snapshot.scan_deleted(table).read_all() for table in TABLES]
        found += [snapshot.hidden(), snapshot.certificate()]
    for file in vault.at(story.org, 1).files("ContentVersion", list(FILES)):
        with vault.open_file(story.org, file.blob) as stream:
            found.append(stream.read())
    found.append(vault.history(story.org, "Account", vaultstory.account_id(20)))
    found.append(vault.search(story.org, "Maison"))
    found += list(vault.changes(story.org, "Account", after=1, until=3))
    found += [list(vault.journal(story.org, run).read()) for run in vault.journals(story.org)]
    found += vault.lineage(story.org, table="Account", records=list(vaultstory.RESTORED))
    return found


SPOILS: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda data: None,
    "cut": lambda data: data[: len(data) // 2],
    "flip-begin": lambda data: data[:9] + bytes([data[9] ^ 1]) + data[10:],
    "flip-middle": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    ),
}


def spoiled(story: Story, name: str, spoil: Callable[[bytes], bytes | None]) -> MemoryStore:
    """A copy of the story's store with one object spoiled or gone."""
    store = MemoryStore()
    for listed in story.store.list(""):
        data: bytes | None = story.store.get(listed.name)
        if listed.name == name and data is not None:
            data = spoil(data)
        if data is not None:
            store.put_new(listed.name, data)
    return store


def refusal(story: Story, store: MemoryStore, whole: list[object]) -> UnlostError | None:
    """What reading says; None if it gives all that was written."""
    try:
        found = read_everything(story, store)
    except UnlostError as error:
        return error
    assert found == whole
    return None


@pytest.mark.parametrize("part", parts_of(PARTS, full=1))
@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_no_damage_is_read_as_data(story: Story, spoil, part: int) -> None:
    assert isinstance(story.store, MemoryStore)
    whole = read_everything(story, story.store)
    refused = [
        error
        for listed in list(story.store.list(""))[part::PARTS]
        if (error := refusal(story, spoiled(story, listed.name, spoil), whole)) is not None
    ]
    assert len(refused) >= 25 // PARTS
    for error in refused:
        assert isinstance(error, IntegrityError | UsageError | NotFound)
        assert error.sentence
        assert error.next_step
