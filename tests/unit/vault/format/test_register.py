"""Entries of the register: every byte is signed, and an entry is valid under its own number alone."""

import json
from dataclasses import replace

import pytest

from unlost.model.errors import IntegrityError, UsageError
from unlost.vault.format.register import (
    Handover,
    RegisterEntry,
    ShreddedOrg,
    SignedEntry,
    damaged_register,
    encode_entry,
    entry_copies,
    entry_name,
    entry_number,
    handover_message,
    read_entry,
)
from unlost.vault.format.slots import KeySlot, KeyStretch, SlotHolds
from unlost.vault.keys.owner import Owner, is_signed

OWNER = Owner.of(b"s" * 32)
STRANGER = Owner.of(b"t" * 32)
ORG = "0a" * 16
ENTRY = RegisterEntry(
    vault="ab" * 16,
    owner=OWNER.public.hex(),
    number=7,
    generation=2,
    sheet="2026-03-02T00:00:00+00:00",
    slots={
        "service": KeySlot(SlotHolds.MASTER, "11" * 60),
        "passphrase": KeySlot(SlotHolds.OWNER, "22" * 60, KeyStretch(salt="33" * 16)),
    },
    earlier=("44" * 60,),
    handovers=(Handover("55" * 32, "66" * 64),),
    checks={f"orgs/{ORG}/keys/identity": "77" * 16, f"orgs/{ORG}/keys/00000001": "88" * 16},
    shredded={"99" * 16: ShreddedOrg("2026-03-01T00:00:00+00:00", 3, "aa" * 32, 12, 3456)},
)


def encoded(entry: RegisterEntry = ENTRY, by: Owner = OWNER) -> bytes:
    return encode_entry(entry, sign=by.sign)


def signed(data: bytes) -> SignedEntry:
    found = read_entry(data)
    assert found is not None
    return found


def is_proved(data: bytes, *, number: int = 7) -> bool:
    found = read_entry(data)
    return found is not None and is_signed(found.message(number), found.signature, by=OWNER.public)


def of_members(members: object) -> SignedEntry:
    """An entry with any members, as one who has the owner's secret may sign it."""
    return SignedEntry(json.dumps(members).encode()[:-1], bytes(64))


def code_of(entry: SignedEntry, number: int = 7) -> str:
    with pytest.raises((IntegrityError, UsageError)) as caught:
        entry.content(number)
    assert entry_name(number) in caught.value.sentence
    assert caught.value.next_step
    return caught.value.code


def test_an_entry_is_read_as_it_was_written() -> None:
    assert signed(encoded()).content(7) == ENTRY
    assert is_proved(encoded())
    first = RegisterEntry(vault="ab" * 16, owner=OWNER.public.hex(), number=1)
    assert signed(encoded(first)).content(1) == first


def test_an_entry_is_json_that_a_person_can_read() -> None:
    members = json.loads(encoded())
    assert list(members) == [
        "format",
        "vault",
        "owner",
        "number",
        "generation",
        "sheet",
        "slots",
        "earlier",
        "handovers",
        "checks",
        "shredded",
        "signature",
    ]
    assert list(members["slots"]) == ["passphrase", "service"]
    assert members["slots"]["service"] == {
        "holds": "master",
        "wrapped": "11" * 60,
        "stretch": None,
    }
    assert members["slots"]["passphrase"]["stretch"] == {
        "salt": "33" * 16,
        "memory": 262144,
        "passes": 3,
        "lanes": 4,
    }
    assert list(members["checks"]) == sorted(ENTRY.checks)
    assert encoded().endswith(b'"}\n')
    assert b" " not in encoded()


def test_the_same_entry_has_the_same_bytes_whatever_the_order_of_its_slots() -> None:
    turned = replace(ENTRY, slots=dict(reversed(ENTRY.slots.items())))
    assert encoded(turned) == encoded()


def test_every_bit_of_an_entry_is_signed() -> None:
    data = encoded()
    for bit in range(len(data) * 8):
        spoiled = bytearray(data)
        spoiled[bit // 8] ^= 1 << bit % 8
        assert not is_proved(bytes(spoiled))


@pytest.mark.parametrize(
    "data",
    [
        encoded()[:-1],
        encoded()[1:],
        encoded() + b"\n",
        encoded() + encoded(),
        encoded().replace(b"\n", b"\r\n"),
        encoded()[:-3] + encoded()[-3:].upper(),
    ],
)
def test_a_cut_or_longer_entry_is_not_proved(data: bytes) -> None:
    assert is_proved(data) is (data == encoded())


def test_the_signature_of_a_stranger_proves_nothing() -> None:
    assert not is_proved(encoded(by=STRANGER))
    assert not is_proved(encoded(replace(ENTRY, owner=STRANGER.public.hex()), by=STRANGER))


def test_an_entry_under_another_number_is_neither_proved_nor_read() -> None:
    assert not is_proved(encoded(), number=8)
    assert code_of(signed(encoded()), number=8) == "register-damaged"


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"{}",
        b"[]",
        b"null\n",
        b"\xff" * 500,
        b'{"signature":"' + b"0" * 128 + b'"}\n',
        b'{"format":1,"signature":"' + b"0" * 127 + b'"}\n',
        b'{"format":1,"signature":"' + b"G" * 128 + b'"}\n',
        b'{"format":1,"signature":"' + b"0" * 128 + b'"}',
    ],
)
def test_junk_is_no_entry(junk: bytes) -> None:
    assert read_entry(junk) is None


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"format":1',
        b'{"format":"1"',
        b'{"format":1,"vault":7,"owner":"","number":7',
        b'{"format":1,"vault":"","owner":"","number":"7"',
        b'{"format":1,"vault":"","owner":"","number":7,"slots":[]',
        b'{"format":1,"vault":"","owner":"","number":7,"slots":{"a":{"holds":"x","wrapped":""}}',
        b'{"format":1,"vault":"","owner":"","number":7,"generation":1e400',
        b'{"format":1,"vault":"\xff","owner":"","number":7',
        b'{"format":1,"vault":"","owner":"","number":7,"slots":' + b"[" * 100_000,
        b'{"format":1,"vault":"","owner":"","number":7,"more":' + b"[" * 100_000 + b"]" * 100_000,
        b'{"format":' + b'{"format":' * 100_000,
    ],
)
def test_content_that_is_no_entry_is_damage(body: bytes) -> None:
    found = read_entry(body + b',"signature":"' + b"0" * 128 + b'"}\n')
    assert found is not None
    assert code_of(found) == "register-damaged"


@pytest.mark.parametrize(("number", "code"), [(2, "format-newer"), (0, "format-unknown")])
def test_another_format_is_refused_whatever_else_the_entry_says(number: int, code: str) -> None:
    assert code_of(signed(encoded(replace(ENTRY, format=number)))) == code
    assert code_of(of_members({"format": number, "named": "otherwise"})) == code


def test_copies_are_named_by_number() -> None:
    assert entry_copies(7) == tuple(f"register/00000007/{copy}" for copy in (1, 2, 3))
    assert [entry_number(name) for name in entry_copies(7)] == [7, 7, 7]


@pytest.mark.parametrize(
    "name",
    [
        "register/00000007",
        "register/00000007/0",
        "register/00000007/4",
        "register/00000007/11",
        "register/7/1",
        "register/000000007/1",
        "register/0000000x/1",
        "register/readme.txt",
        "x/register/00000007/1",
        "register/00000007/1\n",
    ],
)
def test_other_names_are_no_copies(name: str) -> None:
    assert entry_number(name) is None


def test_a_handover_names_the_vault_and_the_next_owner() -> None:
    one = handover_message("ab" * 16, "cd" * 32)
    assert one == b"handover/" + b"ab" * 16 + b"/" + b"cd" * 32
    assert one not in (
        handover_message("ac" * 16, "cd" * 32),
        handover_message("ab" * 16, "ce" * 32),
    )


def test_a_damaged_register_says_how_to_go_on() -> None:
    error = damaged_register("register/")
    assert error.code == "register-damaged"
    assert "recovery sheet" in error.next_step
