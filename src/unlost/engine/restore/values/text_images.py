"""Images within texts, by their addresses: found, replaced by their bytes, left out. Pure.

<img src="/servlet/rtaImage?eid=001A&amp;refid=0EM1">   an image of record 001A, named 0EM1
<img src="data:image/png;base64,iVBO…">                 the same image, as it is sent
"""

import base64
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from unlost.model.source.writing import TextImages

MASK = "image:"  # in place of an address, to compare texts of which only addresses may differ


@dataclass(frozen=True, slots=True)
class ShownImage:
    """An image that a text shows. ``record``: the id in its address, which may be shortened."""

    record: str
    image: str


def shown_images(text: str, images: TextImages) -> Iterator[ShownImage]:
    """The images that a text shows, each as often as it shows them."""
    for match in _pattern(images.address).finditer(text):
        yield ShownImage(match["record"], match["image"])


def with_bytes(text: str, images: TextImages, sent: Mapping[str, str]) -> str:
    """The text with data addresses in place of images; ``sent``: by the names of images."""

    def replaced(match: re.Match[str]) -> str:
        return sent.get(match["image"], match[0])

    return _pattern(images.address).sub(replaced, text)


def masked(text: str, images: TextImages) -> str:
    """The text without the addresses of its images."""
    return _pattern(images.address).sub(MASK, text)


def without_ids(text: str, images: TextImages) -> str:
    """The text with the names of its images in place of their addresses, which contain ids."""
    return _pattern(images.address).sub(lambda match: f"{MASK}{match['image']}", text)


def sent_lengths(
    texts: Iterable[str], images: TextImages, sizes: Mapping[str, int]
) -> dict[str, int]:
    """The characters that each image adds to these texts together, by its name.

    ``sizes``: bytes, by the names of images; images without a size are not sent. A text can show one
    image many times, and is then sent with as many copies of its bytes.
    """
    times = Counter(shown.image for text in texts for shown in shown_images(text, images))
    return {image: n * sent_length(sizes[image]) for image, n in times.items() if image in sizes}


def fitting(lengths: Mapping[str, int], *, most: int) -> dict[str, int]:
    """The images, in their order, that add at most ``most`` characters together."""
    fits: dict[str, int] = {}
    for image, length in lengths.items():
        if length <= most:
            fits[image] = length
            most -= length
    return fits


def data_address(content: bytes, media_type: str) -> str:
    """The data address (RFC 2397) of an image."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def sent_length(size: int) -> int:
    """About the number of characters that an image of ``size`` bytes adds to a text."""
    return size * 4 // 3


@lru_cache
def _pattern(address: str) -> re.Pattern[str]:
    return re.compile(address)
