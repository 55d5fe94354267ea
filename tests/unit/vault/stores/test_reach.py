"""Credentials of a bucket's own: a file in the place of the environment."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fakes.bucket_server import BUCKET, serving
from unlost.model.errors import StoreError
from unlost.testing.clock import VirtualClock
from unlost.vault.stores.address import BucketOptions, StoreAddress
from unlost.vault.stores.credentials import credentials_in
from unlost.vault.stores.reach import _client, _versions, open_store, resolved


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
    place = StoreAddress(
        None, "s3", "box", "", BucketOptions("http://127.0.0.1:9", credentials_file=file)
    )
    assert open_store(place, sleep=VirtualClock().sleep).properties.address == "s3://box"


@pytest.mark.parametrize("text", ["", "# nothing\n", "PATH=/bin\n", "AWS_ACCESS_KEY_ID=a\nx\n"])
def test_a_file_without_credentials_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bucket"
    file.write_text(text)
    place = StoreAddress(None, "s3", "box", "", BucketOptions(credentials_file=file))
    with pytest.raises(StoreError) as caught:
        open_store(place, sleep=VirtualClock().sleep)
    assert caught.value.code == "credentials-unreadable"
    assert str(file) in caught.value.sentence


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for file in (tmp_path / "none", tmp_path):
        with pytest.raises(StoreError) as caught:
            credentials_in(file)
        assert "cannot be read" in caught.value.sentence


@contextmanager
def told_to() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that takes all; its URL, and the headers and path of each request."""
    asked: list[dict[str, str]] = []

    class Takes(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append({k.lower(): v for k, v in self.headers.items()} | {"path": self.path})
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Thu, 26 Nov 2026 10:00:00 GMT")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.network
def test_a_file_of_credentials_is_not_mixed_with_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "e")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "environments-token")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "others")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(b"k" * 32).decode())
    (tmp_path / "s3").write_text("AWS_ACCESS_KEY_ID=files\nAWS_SECRET_ACCESS_KEY=f\n")
    (tmp_path / "az").write_text(
        "AZURE_STORAGE_ACCOUNT_NAME=mine\nAZURE_STORAGE_SAS_TOKEN=sv=2020&sig=FILES\n"
    )
    with told_to() as (url, asked):
        for kind in ("s3", "az"):
            reach = BucketOptions(url, credentials_file=tmp_path / kind)
            place = StoreAddress(None, kind, "box", "", reach)
            assert open_store(place, sleep=VirtualClock().sleep).put_new("one", b"x") is True
    s3, azure = asked
    assert "Credential=files/" in s3["authorization"]
    assert "x-amz-security-token" not in s3
    assert "authorization" not in azure
    assert "sig=FILES" in azure["path"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("s3", "AWS_ACCESS_KEY_ID=a\nvery-secret\n"),
        ("s3", "AWS_VERY_SECRET=very-secret\n"),
        ("s3", "AWS_ACCESS_KEY_ID=very-secret\n"),
        ("s3", "AWS_very-secret=x\n"),
        ("az", "AZURE_STORAGE_ACCOUNT_KEY=very-secret\nAZURE_STORAGE_SAS_TOKEN=b\n"),
        ("az", "AZURE_STORAGE_ACCOUNT_NAME=very-secret\n"),
    ],
)
def test_no_secret_is_printed_where_a_file_is_wrong(tmp_path: Path, kind: str, text: str) -> None:
    (tmp_path / "file").write_text(text)
    place = StoreAddress(None, kind, "box", "", BucketOptions(credentials_file=tmp_path / "file"))
    with pytest.raises(StoreError) as caught:
        open_store(place, sleep=VirtualClock().sleep)
    assert caught.value.code == "credentials-unreadable"
    assert "very-secret" not in str(caught.value)


def test_what_the_client_says_of_a_file_is_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n")
    (tmp_path / "ca").write_text("no certificate")
    reach = BucketOptions(ca_file=tmp_path / "ca", credentials_file=tmp_path / "file")
    with pytest.raises(StoreError) as caught:
        open_store(StoreAddress(None, "s3", "box", "", reach), sleep=VirtualClock().sleep)
    assert caught.value.sentence == "s3://box cannot be opened."


def test_both_clients_speak_to_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, file = VirtualClock(), tmp_path / "file"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.environment:9000")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "env-1")
    keys = "AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n"
    file.write_text(f"{keys}AWS_ENDPOINT_URL=https://s3.file\nAWS_REGION=file-1\n")
    for reach, host, region in (
        (BucketOptions(), "s3.environment:9000", "env-1"),
        (BucketOptions(hosted=True), "box.s3.environment:9000", "env-1"),
        (BucketOptions(credentials_file=file), "s3.file", "file-1"),
        (BucketOptions("https://said", "said-1", credentials_file=file), "said", "said-1"),
    ):
        place = resolved(StoreAddress(None, "s3", "box", "", reach))
        versions = _versions(place, clock.now, clock.sleep)
        assert versions is not None
        assert (versions._host, versions._region) == (host, region)
        config = _client(place, tries=0).config  # type: ignore[attr-defined]
        assert (config["endpoint"], config["region"]) == (f"https://{host}", region)


@pytest.mark.network
def test_credentials_of_maintenance_end_with_their_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights, maintain = tmp_path / "nights", tmp_path / "maintain"
    nights.write_text("AWS_ACCESS_KEY_ID=nights\nAWS_SECRET_ACCESS_KEY=n\n")
    maintain.write_text("AWS_ACCESS_KEY_ID=maintain\nAWS_SECRET_ACCESS_KEY=m\n")
    with serving() as bucket:
        bucket.removers = {"maintain"}
        reach = BucketOptions(bucket.url, credentials_file=nights, maintenance_file=maintain)
        place = StoreAddress(None, "s3", BUCKET, "", reach)
        store = open_store(place, sleep=VirtualClock().sleep)
        for name in ("one", "two", "three"):
            store.put_new(name, b"x")
        assert store.delete("one") is True
        maintain.rename(tmp_path / "away")
        with pytest.raises(StoreError) as caught:
            store.delete("two")
        assert str(maintain) in caught.value.sentence
        maintain.write_text("AWS_ACCESS_KEY_ID=another\nAWS_SECRET_ACCESS_KEY=m\n")
        with pytest.raises(StoreError):
            store.delete("two")
        (tmp_path / "away").rename(maintain)
        assert store.delete("two") is True
