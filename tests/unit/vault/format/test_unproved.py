"""What anybody may have written into the store is read without harm."""

import pytest

from unlost.vault.format.unproved import unproved


def test_members_are_what_an_object_says() -> None:
    assert unproved(b'{"a":1,"b":[2]}') == {"a": 1, "b": [2]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no",
        b"\xff\xfe{",
        b"[1]",
        b'"a"',
        b"null",
        b'{"a":' + b"1" * 5_000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_object_has_none(data: bytes) -> None:
    assert unproved(data) == {}
