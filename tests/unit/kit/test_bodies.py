"""Bodies end only where their length and their compression say so."""

import gzip
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.kit.http.body import BodyStream, whole
from unlost.kit.http.limits import FILE
from unlost.model.errors import TransientError

TEXT = b"a line of text that repeats itself\n" * 5000
PACKED = gzip.compress(TEXT, 6)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_gzip_is_inflated_whatever_the_pieces(size: int) -> None:
    headers = {"content-encoding": "gzip", "content-length": str(len(PACKED))}
    assert b"".join(whole(pieces(PACKED, size), headers)) == TEXT


def test_several_gzip_members_are_one_stream() -> None:
    data = gzip.compress(b"one") + gzip.compress(b"two") + gzip.compress(b"")
    assert b"".join(whole(pieces(data, 5), {"content-encoding": "gzip"})) == b"onetwo"


@given(st.integers(min_value=1, max_value=len(PACKED) - 1))
def test_a_gzip_stream_cut_anywhere_is_noticed_without_a_length(cut: int) -> None:
    with pytest.raises(TransientError) as caught:
        list(whole(iter([PACKED[:cut]]), {"content-encoding": "gzip"}))
    assert caught.value.code == "body-cut"


def test_a_second_member_that_is_cut_is_noticed() -> None:
    data = gzip.compress(b"one") + gzip.compress(b"two" * 99)[:-4]
    with pytest.raises(TransientError):
        list(whole(iter([data]), {"content-encoding": "gzip"}))


def test_a_damaged_gzip_stream_is_noticed() -> None:
    broken = bytearray(PACKED)
    broken[len(broken) // 2] ^= 0xFF
    with pytest.raises(TransientError) as caught:
        list(whole(iter([bytes(broken)]), {"content-encoding": "gzip"}))
    assert caught.value.code == "body-cut"


@pytest.mark.parametrize("announced", [len(TEXT) - 1, len(TEXT) + 1])
def test_a_length_that_does_not_agree_is_noticed(announced: int) -> None:
    with pytest.raises(TransientError) as caught:
        list(whole(iter([TEXT]), {"content-length": str(announced)}))
    assert "bytes" in caught.value.sentence


def test_an_empty_compressed_body_is_empty() -> None:
    headers = {"content-encoding": "gzip", "content-length": "0"}
    assert b"".join(whole(iter([]), headers)) == b""


def test_a_stream_reads_like_a_file() -> None:
    body = BodyStream(200, {}, iter([b"abc", b"", b"defg"]))
    assert body.readable()
    assert body.read(2) == b"ab"
    assert body.read(9) == b"c"
    assert body.read(2) == b"de"
    assert body.read() == b"fg"
    assert body.read(4) == b""
    body.close()
    assert body.closed


def test_inflating_is_bounded_by_pieces_of_a_mebibyte() -> None:
    bomb = gzip.compress(bytes(20 << 20))
    sizes = [len(piece) for piece in whole(iter([bomb]), {"content-encoding": "gzip"}, FILE)]
    assert sum(sizes) == 20 << 20
    assert max(sizes) <= 1 << 20
