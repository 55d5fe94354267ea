"""Credentials of a bucket's own: a file in the place of the environment."""

from pathlib import Path

import pytest

from unlost.model.errors import StoreError
from unlost.testing.clock import VirtualClock
from unlost.vault.stores.address import Reach, StoreAddress
from unlost.vault.stores.reach import credentials_in, open_store


def test_lines_are_read_as_shells_write_them(tmp_path: Path) -> None:
    file = tmp_path / "bucket"
    file.write_text(
        "# of the second copy\n\nAWS_ACCESS_KEY_ID=one\n"
        "export AWS_SECRET_ACCESS_KEY = 'two=2'\nAWS_SESSION_TOKEN=\"three\"\n"
    )
    assert credentials_in(file) == {
        "aws_access_key_id": "one",
        "aws_secret_access_key": "two=2",
        "aws_session_token": "three",
    }
    place = StoreAddress(None, "s3", "box", "", Reach("http://127.0.0.1:9", credentials_file=file))
    assert open_store(place, sleep=VirtualClock().sleep).properties.address == "s3://box"


@pytest.mark.parametrize("text", ["", "# nothing\n", "PATH=/bin\n", "AWS_ACCESS_KEY_ID=a\nx\n"])
def test_a_file_without_credentials_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bucket"
    file.write_text(text)
    place = StoreAddress(None, "s3", "box", "", Reach(credentials_file=file))
    with pytest.raises(StoreError) as caught:
        open_store(place, sleep=VirtualClock().sleep)
    assert caught.value.code == "credentials-unreadable"
    assert str(file) in caught.value.sentence


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for file in (tmp_path / "none", tmp_path):
        with pytest.raises(StoreError) as caught:
            credentials_in(file)
        assert "cannot be read" in caught.value.sentence
