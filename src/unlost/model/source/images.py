"""Images that a text shows, and that the source stores beside the record of the text.

Each is a file of its record. The column of the file is that of the text, with the source's own name
of the image: ``Story__c/0EM5e000000B9LQ``. The bytes behind such a name never change, so an image is
read once.
"""

_BETWEEN = "/"  # no name of a column contains it

# The first bytes of the formats that browsers show (registrations of image types at IANA).
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
)
SIGNATURE_BYTES = 12  # the most that are needed to tell the formats apart


def image_column(column: str, image: str) -> str:
    """Return the column of the file of an image in a text."""
    return f"{column}{_BETWEEN}{image}"


def is_image(file_column: str) -> bool:
    """Return true if the column of a file is that of an image in a text."""
    return _BETWEEN in file_column


def text_column(file_column: str) -> str:
    """Return the column of the text that shows an image."""
    return file_column.partition(_BETWEEN)[0]


def image_name(file_column: str) -> str:
    """Return the source's name of an image."""
    return file_column.partition(_BETWEEN)[2]


def image_file_name(image: str, media_type: str) -> str:
    """Return the name of an image for people, with the ending of its type, if it is known."""
    ending = media_type.removeprefix("image/")
    return f"{image}.{ending}" if media_type else image


def media_type_of(beginning: bytes) -> str:
    """Return the media type of an image by its first ``SIGNATURE_BYTES``; empty if unknown."""
    for signature, media_type in _SIGNATURES:
        if beginning.startswith(signature):
            return media_type
    is_webp = beginning.startswith(b"RIFF") and beginning[8:12] == b"WEBP"
    return "image/webp" if is_webp else ""
