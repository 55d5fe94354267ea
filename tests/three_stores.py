"""One store of each kind, for attacks that must fail on all of them: memory, a folder, a bucket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.bucket_server import BUCKET, serving
from unlost.model.vault.store import Store
from unlost.vault.stores.address import BucketOptions, read_address
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.stores.reach import open_store


@pytest.fixture(
    params=["memory", "local", pytest.param("s3", marks=(pytest.mark.network, pytest.mark.full))]
)
def each_store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    """An empty store."""
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "local":
        yield LocalStore(tmp_path / "vault")
    else:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        with serving() as bucket:
            reach = BucketOptions(bucket.url)
            yield open_store(
                read_address(f"s3://{BUCKET}/v", reach=reach, base=Path("/")), sleep=lambda _: None
            )
