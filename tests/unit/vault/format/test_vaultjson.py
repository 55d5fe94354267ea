"""``vault.json`` is proved to the last byte."""

import hmac
import json

import pytest

from unlost.model.errors import IntegrityError, UsageError
from unlost.vault.format.vaultjson import (
    VaultFile,
    encode_vault_file,
    prove_vault_file,
    read_vault_file,
)

FILE = VaultFile(vault="0123456789abcdef" * 2, created="2026-03-02T01:00:00+00:00")


def mac(data: bytes) -> bytes:
    return hmac.digest(b"key", data, "sha256")


DATA = encode_vault_file(FILE, mac=mac)


def test_it_is_json_that_a_person_can_read() -> None:
    members = json.loads(DATA)
    assert list(members) == ["format", "vault", "created", "algorithms", "mac"]
    assert members["format"] == 1
    assert read_vault_file(DATA) == FILE
    prove_vault_file(DATA, mac=mac)


def test_every_bit_of_every_byte_counts() -> None:
    for bit in range(len(DATA) * 8):
        spoiled = bytearray(DATA)
        spoiled[bit // 8] ^= 1 << bit % 8
        with pytest.raises(IntegrityError):
            prove_vault_file(bytes(spoiled), mac=mac)


@pytest.mark.parametrize("data", [b"", DATA[:-1], DATA + b"\n", DATA[:50], b"\xff" + DATA])
def test_cut_and_longer_files_are_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError) as error:
        prove_vault_file(data, mac=mac)
    assert error.value.code == "vault-file-damaged"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"null",
        b'{"format":1,"vault":7}',
        b'{"format":1,"vault":"ab"}',
        b'{"format":"1","vault":"0123456789abcdef0123456789abcdef"}',
    ],
)
def test_what_is_no_vault_file_is_damaged(data: bytes) -> None:
    with pytest.raises(IntegrityError) as error:
        read_vault_file(data)
    assert error.value.code == "vault-file-damaged"
    assert error.value.next_step


def test_a_newer_format_is_refused_whatever_else_it_says() -> None:
    with pytest.raises(UsageError) as error:
        read_vault_file(b'{"format":2,"vault":"named otherwise"}')
    assert error.value.code == "format-newer"
    assert "vault.json" in error.value.sentence


def test_a_format_that_no_release_writes_is_refused_whatever_else_it_says() -> None:
    with pytest.raises(UsageError) as error:
        read_vault_file(b'{"format":0,"vault":"named otherwise"}')
    assert error.value.code == "format-unknown"
    assert "vault.json" in error.value.sentence
    assert "format 0" in error.value.sentence
    assert error.value.next_step
