"""What salvaging gave up, in the console."""

import pytest

from unit.web.conftest import SignIn
from unit.web.doors import text
from unlost.vault.read.snapshot import VaultSnapshot

FIELDS = "/orgs/sales/records/Account/A40017/fields/"


def test_a_lost_value_is_shown_as_not_known(
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = sign_in()
    said = "unknown: the vault lost it to damage"
    assert said not in text(reader.get(FIELDS))
    lost = {"A40017": frozenset({"Phone"})}
    monkeypatch.setattr(VaultSnapshot, "unread", lambda *_: lost)
    assert said in text(reader.get(FIELDS))
