"""Names and types of images in texts."""

import pytest

from unlost.model.source.images import (
    image_column,
    image_file_name,
    image_name,
    is_image,
    media_type_of,
    text_column,
)


def test_the_column_of_an_image_names_text_and_image() -> None:
    column = image_column("Story__c", "0EM1")
    assert is_image(column)
    assert (text_column(column), image_name(column)) == ("Story__c", "0EM1")
    assert not is_image("Body")


@pytest.mark.parametrize(
    ("beginning", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a..", "image/gif"),
        (b"GIF89a..", "image/gif"),
        (b"BM......", "image/bmp"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", ""),
        (b"<html>", ""),
        (b"", ""),
    ],
)
def test_the_type_is_in_the_first_bytes(beginning: bytes, media_type: str) -> None:
    assert media_type_of(beginning) == media_type


def test_the_name_of_a_file_ends_as_its_type_says() -> None:
    assert image_file_name("0EM1", "image/jpeg") == "0EM1.jpeg"
    assert image_file_name("0EM1", "") == "0EM1"
