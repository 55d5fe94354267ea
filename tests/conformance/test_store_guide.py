"""The store that the guide for authors of stores shows keeps the promises, and a vault lives in it."""

import re
from pathlib import Path

import pytest

import vaultstory
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.stores import StoreContract
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.vault import open_vault

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "write-a-store.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shown() -> dict[str, type]:
    """What the blocks of the page define, executed one after the other."""
    names: dict[str, type] = {}
    for block in BLOCK.findall(PAGE.read_text("utf-8")):
        exec(compile(block, str(PAGE), "exec"), names)
    return names


SHOWN = shown()
SqliteStore = SHOWN["SqliteStore"]


class TestTheStoreOfTheGuide(SHOWN["TestSqliteStore"]):  # type: ignore[misc]
    """Collected here, because the page is no module."""


def test_the_guide_subclasses_the_contract() -> None:
    assert issubclass(SHOWN["TestSqliteStore"], StoreContract)


def test_a_vault_lives_in_it(tmp_path: Path) -> None:
    story = vaultstory.told(SqliteStore(tmp_path / "vault.db"))
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    assert len(story.vault.snapshots(story.org)) == 3


def test_a_vault_is_founded_as_the_guide_says(tmp_path: Path) -> None:
    file, entropy = tmp_path / "vault.db", SeededEntropy(1)
    sheet = ByRecoverySheet(SHOWN["found"](file))
    store = SqliteStore(file)
    vault = open_vault(
        store,
        keys=open_keyring(store, sheet, entropy=entropy),
        clock=VirtualClock(),
        entropy=entropy,
    )
    assert vault.orgs() == {}
    assert vault.verify(VerifyLevel.FULL).damages == ()


@pytest.mark.parametrize("call", ["get", "size", "delete"])
def test_a_file_that_is_no_database_is_told_in_our_words(tmp_path: Path, call: str) -> None:
    from unlost.model.errors import StoreError

    store = SqliteStore(tmp_path / "vault.db")
    (tmp_path / "vault.db").write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreError) as caught:
        getattr(store, call)("orgs/a")
    assert caught.value.code == "store-failed"
