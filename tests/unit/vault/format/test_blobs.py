"""How a blob's bytes lie: compressed where that pays, and the same again when they are read."""

import io
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from unlost.model.errors import UsageError
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.blobs import (
    PROBE_BYTES,
    BlobEncoder,
    Encoding,
    compresses,
    decoded,
    encoding_named,
)

TEXT = "Zartbitter, 70 % – naïve 🍫 ".encode()


def noise(size: int) -> bytes:
    return SeededEntropy(1).bytes(size)


def encoded(chunks: list[bytes], *, size: int | None = None) -> tuple[bytes, Encoding]:
    encoder = BlobEncoder(size=size)
    stored = [bytes(piece) for chunk in chunks for piece in encoder.feed(chunk)]
    stored += [bytes(piece) for piece in encoder.finish()]
    return b"".join(stored), encoder.encoding


MAKERS: dict[str, Callable[[int], bytes]] = {
    "text": lambda size: (TEXT * (size // len(TEXT) + 1))[:size],
    "noise": noise,
    "zeros": bytes,
}


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@given(
    size=st.sampled_from([0, 1, 127, 128, PROBE_BYTES - 1, PROBE_BYTES, PROBE_BYTES + 1, 70_000]),
    cut=st.integers(1, 40_000),
)
def test_there_and_back(make: Callable[[int], bytes], known: bool, size: int, cut: int) -> None:
    content = make(size)
    chunks = [content[at : at + cut] for at in range(0, size, cut)]
    stored, encoding = encoded(chunks, size=size if known else None)
    assert decoded(io.BytesIO(stored), encoding).read() == content
    assert len(stored) <= size
    if encoding is Encoding.PLAIN:
        assert stored == content


@pytest.mark.parametrize(
    ("content", "pays"),
    [
        (b"", False),
        (b"x" * 127, False),
        (b"x" * 128, True),
        (TEXT * 500, True),
        (noise(20_000), False),
        (zstandard.ZstdCompressor().compress(noise(50_000) + TEXT * 500), False),
        (noise(2_000) + TEXT * 10, False),
    ],
    ids=["nothing", "short", "long-enough", "text", "noise", "archive", "little-text"],
)
def test_what_pays(content: bytes, pays: bool) -> None:
    assert compresses(content[:PROBE_BYTES]) is pays
    assert encoded([content])[1] is (Encoding.ZSTD if pays else Encoding.PLAIN)


def test_one_frame_that_anybody_can_read() -> None:
    content = TEXT * 200_000
    stored, encoding = encoded([content], size=len(content))
    assert encoding is Encoding.ZSTD
    assert zstandard.get_frame_parameters(stored).content_size == len(content)
    assert zstandard.ZstdDecompressor().decompress(stored) == content


def test_names() -> None:
    assert encoding_named(None) is encoding_named("") is Encoding.PLAIN
    assert encoding_named("zstd") is Encoding.ZSTD
    with pytest.raises(UsageError) as refused:
        encoding_named("brotli")
    assert refused.value.code == "format-newer"
