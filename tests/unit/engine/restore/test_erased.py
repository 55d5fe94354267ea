"""What a restore brought back, and all that its journal tells of it, can be erased."""

from pathlib import Path

import pytest

import scanner
from unit.engine.restore.workshop import Lost, Workshop
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_neither_the_old_record_nor_the_new_one_is_left(shop: Workshop) -> None:
    lost = Lost(shop)
    plan = shop.plan(*lost.steps)
    shop.restore(plan)
    shop.night()
    account, _ = shop.named("Account", "Candy")
    contact, _ = shop.named("Contact", "Ann")
    values = (lost.account, lost.contact, account, contact, "Candy")
    assert all(scanner.found(shop.vault, value) for value in values)
    keys = (RecordKey("Account", lost.account), RecordKey("Contact", contact))
    done = shop.vault.apply(shop.oid, unconditional(Erase(keys)), run="erase-1")
    assert {key.record for key in done.records} == set(values[:-1])
    assert len(done.journals) == 1
    assert scanner.found(shop.vault, *values) == set()
    shop.night()
    assert scanner.found(shop.vault, *values) == set()
    assert list(shop.vault.journals(shop.oid)) == []
