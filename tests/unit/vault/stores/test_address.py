"""Where a vault lies, as people write it."""

from pathlib import Path

import pytest

from unlost.model.errors import UsageError
from unlost.vault.stores.address import BucketOptions, StoreAddress, read_address

BASE = Path("/srv/home")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("vault", StoreAddress(Path("/srv/home/vault"))),
        ("/mnt/vault", StoreAddress(Path("/mnt/vault"))),
        ("s3://box", StoreAddress(None, "s3", "box")),
        ("s3://box/", StoreAddress(None, "s3", "box")),
        ("s3://box/a/b", StoreAddress(None, "s3", "box", "a/b")),
        ("az://container/x", StoreAddress(None, "az", "container", "x")),
    ],
)
def test_a_place_is_read(text: str, place: StoreAddress) -> None:
    assert read_address(text, base=BASE) == place


@pytest.mark.parametrize("text", ["/mnt/vault", "s3://box", "s3://box/a/b", "az://container/x"])
def test_a_place_is_written_as_it_is_read(text: str) -> None:
    assert str(read_address(text, base=BASE)) == text


@pytest.mark.parametrize(
    "text",
    ["gs://box", "s3://", "s3:///a", "s3://key@box", "s3://box?x=1", "s3://box/A", "s3://box/../a"],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_address(text, base=BASE)
    assert caught.value.code == "store-address-invalid"
    assert "key@" not in caught.value.next_step


def test_a_folder_has_no_endpoint() -> None:
    with pytest.raises(UsageError) as caught:
        read_address("vault", reach=BucketOptions(endpoint="http://here"), base=BASE)
    assert caught.value.code == "store-address-invalid"


@pytest.mark.parametrize(
    "endpoint", ["http://no host", "ftp://host", "host", "http://a@b", "https://"]
)
def test_an_endpoint_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_address("s3://box", reach=BucketOptions(endpoint=endpoint), base=BASE)
    assert caught.value.code == "store-endpoint-invalid"


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:9000", "https://s3.example.com", "http://[::1]:9"]
)
def test_an_endpoint_is_taken(endpoint: str) -> None:
    assert (
        read_address("s3://box", reach=BucketOptions(endpoint=endpoint), base=BASE).reach.endpoint
        == endpoint
    )
