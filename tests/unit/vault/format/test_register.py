"""The register of slots: every byte of an entry is proved, and an entry is no other one."""

import hashlib
import json
from dataclasses import replace

import pytest

from unlost.model.errors import IntegrityError, UsageError
from unlost.vault.format.register import (
    Register,
    claimed_master,
    claims_to_follow,
    encode_register,
    read_register,
    register_name,
)

REGISTER = Register("ab" * 16, 7, {"service": "11" * 32, "passphrase": "22" * 32})
NAME = "slots/00000007"


def mac(data: bytes) -> bytes:
    return hashlib.sha256(b"key" + data).digest()


def proof(master: int, data: bytes) -> bytes:
    return mac(data) if master == 1 else mac(mac(data))


def signed(members: dict[str, object]) -> bytes:
    body = json.dumps(members).encode()[:-1]
    return body + b',"mac":"' + mac(body).hex().encode() + b'"}\n'


def test_there_and_back() -> None:
    data = encode_register(REGISTER, mac=mac)
    assert register_name(7) == NAME
    assert data.startswith(b'{"format":1,"vault":"abab')
    assert b'"number":7,"slots":{"passphrase":"22' in data
    assert read_register(data, name=NAME, mac=proof) == REGISTER


def test_every_byte_is_proved() -> None:
    data = encode_register(REGISTER, mac=mac)
    for at in range(len(data)):
        spoiled = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(IntegrityError) as caught:
            read_register(spoiled, name=NAME, mac=proof)
        assert caught.value.code == "register-damaged"
        assert NAME in caught.value.sentence


def test_an_entry_under_another_number_is_refused() -> None:
    data = encode_register(REGISTER, mac=mac)
    with pytest.raises(IntegrityError):
        read_register(data, name="slots/00000008", mac=proof)


@pytest.mark.parametrize(("number", "code"), [(2, "format-newer"), (0, "format-unknown")])
def test_another_format_is_refused(number: int, code: str) -> None:
    data = signed({"format": number, "vault": "", "number": 7, "slots": {}})
    with pytest.raises(UsageError) as caught:
        read_register(data, name=NAME, mac=proof)
    assert caught.value.code == code


def test_a_renewed_entry_tells_its_master_and_those_before() -> None:
    renewed = replace(REGISTER, sheet="2026-03-02T00:00:00+00:00", master=2, earlier=("ab",))
    data = encode_register(renewed, mac=lambda body: mac(mac(body)))
    assert read_register(data, name=NAME, mac=proof) == renewed
    assert claimed_master(data) == 2
    with pytest.raises(IntegrityError):
        read_register(encode_register(renewed, mac=mac), name=NAME, mac=proof)


@pytest.mark.parametrize(
    ("data", "follows"),
    [
        (b'{"followed":["aa","bb"]}', True),
        (b'{"followed":["aa"]}', False),
        (b'{"followed":"xbbx"}', False),
        (b'{"followed":{"bb":1}}', False),
        (b"{}", False),
    ],
)
def test_an_entry_follows_where_its_list_has_the_token(data: bytes, follows: bool) -> None:
    assert claims_to_follow(data, token="bb") is follows


@pytest.mark.parametrize("data", [b"", b"[]", b'{"master":"x"}', b"{"])
def test_what_is_no_entry_claims_no_master(data: bytes) -> None:
    assert claimed_master(data) == 0
    with pytest.raises(IntegrityError):
        read_register(data, name=NAME, mac=proof)
