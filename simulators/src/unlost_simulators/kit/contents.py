"""Makers of files that open in ordinary programs: PNG, PDF, text, HTML.

Each gives exactly `size` bytes, the same for the same seed for ever, on demand; the store keeps only
the recipe. Importing this module adds the kinds to `blobs.MAKERS`. Knows no record.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator

from unlost_simulators.kit.blobs import MAKERS, Maker, cut

# Smallest sizes at which the format is still whole (header, one page or pixel block, trailer).
SMALLEST_PNG = 1_024
SMALLEST_PDF = 1_024
SMALLEST_TEXT = 128

_LINES = (
    "Proefverslag: smaak rond, breuk zuiver, glans goed.",
    "Prüfbericht: Bruch sauber, Schmelz zart, keine Fehlnoten.",
    "官能検査：香り良好、口どけ良好、艶あり。",
    "Laudo sensorial: aroma intenso, textura lisa, sem defeitos.",
    "Lot 0017 — 21,5 °C — 54 % — OK ✅",
)


def _noise(seed: int, size: int) -> bytes:
    return hashlib.shake_128(str(seed).encode()).digest(size)


def _text(seed: int, size: int) -> bytes:
    lines = [f"{_LINES[(seed + n) % len(_LINES)]} #{seed}-{n}\n" for n in range(size // 30 + 1)]
    body = "".join(lines).encode()[: max(size - 1, 0)]
    whole = body.decode("utf-8", "ignore").encode()
    return (whole + b"." * (size - 1 - len(whole)) + b"\n")[:size]


def _html(seed: int, size: int) -> bytes:
    head = f"<!DOCTYPE html><meta charset=utf-8><title>Kwinten {seed}</title><pre>".encode()
    tail = b"</pre>\n"
    return head + _text(seed, size - len(head) - len(tail)) + tail


def _png_chunk(tag: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))


def _png(seed: int, size: int) -> bytes:
    """An RGB image of 48 x 32 pixels; a private ancillary chunk brings it to the size."""
    colour = hashlib.blake2b(str(seed).encode(), digest_size=6).digest()
    rows = [b"\x00" + (colour[:3] * 24 + colour[3:] * 24) for _ in range(32)]
    head = b"\x89PNG\r\n\x1a\n" + _png_chunk(
        b"IHDR", struct.pack(">IIBBBBB", 48, 32, 8, 2, 0, 0, 0)
    )
    image = _png_chunk(b"IDAT", zlib.compress(b"".join(rows), 9))
    end = _png_chunk(b"IEND", b"")
    spare = size - len(head) - len(image) - len(end) - 12
    return head + _png_chunk(b"prVt", _noise(seed, spare)) + image + end


def _pdf(seed: int, size: int) -> bytes:
    """One page with a line of text, a right cross-reference table, and a comment as filler."""
    drawing = f"BT /F1 18 Tf 72 720 Td (Kwinten Chocolade, document {seed}) Tj ET".encode()
    font = b"/Resources << /Font << /F1 5 0 R >> >>"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R %b >>" % font,
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    body, offsets = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, text)
    table = b"xref\n0 6\n0000000000 65535 f \n" + b"".join(
        b"%010d 00000 n \n" % at for at in offsets
    )
    trailer = b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%010d\n%%%%EOF\n"
    filler = size - len(body) - len(table) - len(trailer % 0)
    body += b"%" + b"x" * (filler - 2) + b"\n"
    return body + table + trailer % len(body)


def _whole(make: Callable[[int, int], bytes], smallest: int) -> Maker:
    def pieces(seed: int, size: int) -> Iterator[bytes]:
        if size < smallest:
            raise ValueError(f"this kind of file needs at least {smallest} bytes, not {size}")
        return cut(make(seed, size))

    return pieces


KINDS: dict[str, Maker] = {
    "png": _whole(_png, SMALLEST_PNG),
    "pdf": _whole(_pdf, SMALLEST_PDF),
    "txt": _whole(_text, SMALLEST_TEXT),
    "html": _whole(_html, SMALLEST_TEXT),
}
MAKERS.update(KINDS)
