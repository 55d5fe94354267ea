"""The marker of a format: every byte of it counts, and a proved one that is newer is told apart from damage."""

import hmac
import json
from dataclasses import replace

import pytest

from unlost.model.errors import IntegrityError, UsageError
from unlost.vault.format.upgraded import (
    FormatMark,
    encode_mark,
    mark_copies,
    mark_number,
    read_mark,
)

NAME = "format/1"
MARK = FormatMark(1, "ab" * 16, "2026-03-02T01:00:00+00:00", "full")


def proof(master: int, body: bytes) -> bytes:
    return hmac.digest(bytes([master]), body, "sha256")


def signed(text: bytes) -> bytes:
    return text + b',"mac":"' + proof(1, text).hex().encode() + b'"}\n'


DATA = encode_mark(MARK, mac=proof)


def test_it_is_json_that_a_person_can_read() -> None:
    said = json.loads(DATA)
    assert list(said) == ["format", "vault", "at", "level", "master", "mac"]
    assert (said["format"], said["vault"], said["level"]) == (1, "ab" * 16, "full")
    assert read_mark(DATA, name=NAME, mac=proof) == MARK


def test_names_and_numbers() -> None:
    assert mark_copies(1) == ("format/1", "format/1.2", "format/1.3")
    others = ("format/0", "format/1.4", "format/1\N{ARABIC-INDIC DIGIT THREE}", "x")
    assert [mark_number(name) for name in (*mark_copies(12), *others)] == [12, 12, 12, 0, 0, 0, 0]


def test_every_byte_counts() -> None:
    for at in range(len(DATA)):
        spoiled = DATA[:at] + bytes([DATA[at] ^ 1]) + DATA[at + 1 :]
        with pytest.raises(IntegrityError):
            read_mark(spoiled, name=NAME, mac=proof)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        DATA[:-1],
        DATA + b"\n",
        b"\xff" + DATA,
        signed(b"[1"),
        signed(b'[{"a":1}'),
        signed(b'{"format":1'),
        signed(b'{"format":1,"vault":"ab","at":"","level":"full","master":[]'),
        signed(b'{"format":0,"vault":"ab","at":"","level":"full","master":1'),
        signed(b'{"format":Infinity,"vault":"ab","at":"","level":"full","master":1'),
        signed(b'{"format":1' + b"0" * 5000 + b',"vault":"ab","at":"","level":"full","master":1'),
        signed(b'{"format":1,"vault":"ab","level":"full","master":1'),
        signed(b'{"format":1,"vault":"ab","at":"","level":"full","master":0'),
        signed(b'{"format":1,"vault":"ab","at":"","level":"full","master":1' + b"0" * 5000),
        signed(b'{"format":1,"vault":"ab","at":"","level":"full","master":1,"more":[}'),
        signed(
            b'{"format":1,"vault":"ab","at":"","level":"full","master":1,"more":' + b"[" * 100_000
        ),
    ],
)
def test_what_makes_no_sense_is_damaged(data: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_mark(data, name=NAME, mac=proof)
    assert caught.value.code == "marker-damaged"
    assert NAME in caught.value.sentence
    assert caught.value.next_step


def test_one_under_another_name_is_damaged() -> None:
    with pytest.raises(IntegrityError):
        read_mark(DATA, name="format/2", mac=proof)


def test_what_a_later_release_adds_is_passed_over() -> None:
    body = DATA[: DATA.index(b',"mac"')] + b',"more":{"a":1}'
    assert read_mark(signed(body), name=NAME, mac=proof) == MARK


def test_a_newer_one_is_told_apart_from_damage() -> None:
    data = encode_mark(replace(MARK, format=2), mac=proof)
    with pytest.raises(UsageError) as caught:
        read_mark(data, name="format/2", mac=proof)
    assert caught.value.code == "format-newer"


def test_what_no_code_proves_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser told of endless numbers and of a hundred thousand brackets in its own errors."""
    parsed: list[bytes] = []
    whole = json.loads
    monkeypatch.setattr(json, "loads", lambda data: parsed.append(data) or whole(data))
    assert read_mark(DATA, name=NAME, mac=proof) == MARK
    forged = DATA.replace(b"full", b"fill")
    with pytest.raises(IntegrityError):
        read_mark(forged, name=NAME, mac=proof)
    assert parsed == [DATA]


def test_the_master_key_that_proves_it_is_the_one_that_it_says() -> None:
    """Else who has an earlier one could prove by it what is taken for the newest one's."""
    body = DATA[: DATA.index(b',"mac"')].replace(b'"format"', b'"more":{"master":9,"a":0},"format"')
    data = body + b',"mac":"' + proof(9, body).hex().encode() + b'"}\n'
    assert json.loads(data)["master"] == 1
    with pytest.raises(IntegrityError):
        read_mark(data, name=NAME, mac=proof)


def test_one_that_says_a_newer_format_under_the_name_of_format_1_is_damaged() -> None:
    data = encode_mark(replace(MARK, format=2), mac=proof)
    with pytest.raises(IntegrityError) as caught:
        read_mark(data, name=NAME, mac=proof)
    assert caught.value.code == "marker-damaged"


def test_a_newer_one_that_nothing_proves_is_damaged() -> None:
    data = encode_mark(replace(MARK, format=2), mac=lambda _master, _body: bytes(32))
    with pytest.raises(IntegrityError) as caught:
        read_mark(data, name="format/2", mac=proof)
    assert caught.value.code == "marker-damaged"


def test_a_name_that_says_no_format_makes_none() -> None:
    data = encode_mark(replace(MARK, format=0), mac=proof)
    with pytest.raises(IntegrityError):
        read_mark(data, name="format/junk", mac=proof)
