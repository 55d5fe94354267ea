"""The recovery sheet can be typed from paper, and tells when it was typed wrongly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.model.errors import NotAllowed, UsageError
from unlost.vault.format.recovery import (
    GROUPS,
    RecoverySheet,
    confirm_groups,
    parse_recovery_sheet,
)

SHEET = RecoverySheet(vault=bytes(range(16)), secret=bytes(range(100, 132)))


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32))
def test_a_printed_sheet_is_read_back(vault: bytes, secret: bytes) -> None:
    sheet = RecoverySheet(vault=vault, secret=secret)
    assert parse_recovery_sheet(sheet.text()) == sheet
    assert parse_recovery_sheet(" ".join(sheet.groups())) == sheet


def test_it_may_be_typed_as_people_type() -> None:
    text = "-".join(SHEET.groups()).lower().replace("0", "o").replace("1", "l")
    assert parse_recovery_sheet(text) == SHEET
    assert parse_recovery_sheet(text.replace("l", "i")) == SHEET
    assert parse_recovery_sheet(SHEET.text().replace("\n", "\r\n")) == SHEET


def test_the_sheet_says_whose_it_is_and_what_it_is_worth() -> None:
    text = SHEET.text()
    assert len(SHEET.groups()) == GROUPS
    assert all(group in text for group in SHEET.groups())
    assert SHEET.vault.hex() in text
    assert "Anyone with this sheet" in text
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize("at", range(88))
def test_any_wrong_character_is_noticed(at: int) -> None:
    letters = "".join(SHEET.groups())
    wrong = letters[:at] + ("2" if letters[at] != "2" else "3") + letters[at + 1 :]
    with pytest.raises(NotAllowed) as error:
        parse_recovery_sheet(wrong)
    assert error.value.code == "recovery-mistyped"
    assert error.value.next_step


@pytest.mark.parametrize("text", ["", "hello", "U" * 88, "".join(SHEET.groups())[:-1]])
def test_what_is_no_sheet_is_refused(text: str) -> None:
    with pytest.raises(NotAllowed):
        parse_recovery_sheet(text)


def test_swapped_groups_are_noticed() -> None:
    groups = list(SHEET.groups())
    groups[3], groups[4] = groups[4], groups[3]
    with pytest.raises(NotAllowed):
        parse_recovery_sheet(" ".join(groups))


def test_a_newer_sheet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("unlost.vault.format.recovery._FORMAT", 1)
        text = SHEET.text()
    with pytest.raises(UsageError) as error:
        parse_recovery_sheet(text)
    assert error.value.code == "format-newer"


def test_confirming_compares_what_was_typed() -> None:
    groups = SHEET.groups()
    confirm_groups(SHEET, {3: groups[2].lower(), 22: f" {groups[21]} "})
    with pytest.raises(UsageError) as error:
        confirm_groups(SHEET, {3: groups[3]})
    assert error.value.code == "sheet-unconfirmed"
    with pytest.raises(UsageError):
        confirm_groups(SHEET, {3: ""})


def test_the_secret_is_not_in_the_representation() -> None:
    assert SHEET.secret.hex() not in repr(SHEET)
    assert repr(SHEET.secret) not in repr(SHEET)
