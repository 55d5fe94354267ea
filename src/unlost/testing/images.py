"""Images in texts of a memory org: beside the record, or on their way as data addresses."""

import base64
import re
from collections.abc import Callable, Iterator

from unlost.model.source.writing import TextImages

ADDRESS = r"/image\?of=(?P<record>\w+)&name=(?P<image>\w+)"
FORMATS = frozenset({"image/png"})
PNG = b"\x89PNG\r\n\x1a\n"  # the beginning of every image
_DATA = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
_ADDRESS = re.compile(ADDRESS)


def text_images(*columns: str, largest: int = 1_000) -> TextImages:
    """The rule by which a memory org takes the images of these columns."""
    return TextImages(frozenset(columns), ADDRESS, FORMATS, largest)


def address(record: str, image: str) -> str:
    """The address of an image within a text."""
    return f"/image?of={record}&name={image}"


def shown(record: str, text: str) -> Iterator[str]:
    """The names of the images of this record that its text shows."""
    yield from dict.fromkeys(m["image"] for m in _ADDRESS.finditer(text) if m["record"] == record)


def hosted(text: str, record: str, keep: Callable[[bytes], str]) -> str:
    """The text with addresses in place of data; ``keep`` stores bytes and names them."""
    return _DATA.sub(lambda m: address(record, keep(base64.b64decode(m[1]))), text)
