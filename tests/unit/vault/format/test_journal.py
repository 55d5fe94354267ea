"""Entries of a journal: what was written comes back, behind the entry that it was written behind."""

import pytest
from blake3 import blake3

from unlost.model.errors import IntegrityError
from unlost.vault.format.journal import FIRST_LINK, decode_entry, encode_entry, link_after


@pytest.mark.parametrize("payload", [b"", b"plan", bytes(range(256)) * 4_000])
def test_there_and_back(payload: bytes) -> None:
    content = encode_entry(payload, link=FIRST_LINK)
    assert decode_entry(content, link=FIRST_LINK, name="j/0") == payload
    assert content[:32] == bytes(32)
    assert link_after(content) == blake3(content).digest()


def test_what_repeats_takes_little_room() -> None:
    assert len(encode_entry(b"the same again " * 10_000, link=FIRST_LINK)) < 1_000


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "does not follow"),
        (encode_entry(b"x", link=b"1" * 32), "does not follow"),
        (FIRST_LINK, "cannot be decoded"),
        (FIRST_LINK + b"no frame", "cannot be decoded"),
        (encode_entry(b"x" * 1_000, link=FIRST_LINK)[:-1], "cannot be decoded"),
    ],
)
def test_another_content_is_named(content: bytes, why: str) -> None:
    with pytest.raises(IntegrityError, match=why) as caught:
        decode_entry(content, link=FIRST_LINK, name="j/00000007")
    assert caught.value.code == "journal-broken"
    assert "j/00000007" in caught.value.sentence
    assert caught.value.next_step
