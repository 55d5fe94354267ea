"""What every server of buckets must do for a vault: subclass ``BucketPromises`` and give it a server."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest

import vaultstory
from services.lostlines import live_through
from services.proxy import line_to
from services.servers import Server, opened
from unlost.model.errors import StoreError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.entropy import SeededEntropy
from unlost.testing.stores import StoreContract
from unlost.vault.stores.address import StoreAddress
from unlost.vault.stores.probe import probe_store


class BucketPromises(StoreContract):
    """The promises of a store, and what a vault in a bucket lives through."""

    checks_keys = True

    @pytest.fixture
    def server(self) -> Server:
        """A server that runs."""
        raise NotImplementedError("give the promises a server")

    @pytest.fixture
    def place(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> StoreAddress:
        """A path in a bucket of its own."""
        for name, value in server.credentials.items():
            monkeypatch.setenv(name, value)
        return server.place(server.bucket())

    @pytest.fixture
    def store(self, place: StoreAddress) -> Store:
        self.place_of_store = place
        return opened(place)

    def reopen(self, store: Store) -> Store:
        return opened(self.place_of_store)

    def test_the_race_before_a_vault_is_made_has_one_winner(self, store: Store) -> None:
        probe_store(store, entropy=SeededEntropy(1))
        assert list(store.list("")) == []

    def test_a_vault_lives_in_it(self, store: Store) -> None:
        story = vaultstory.told(store)
        assert story.vault.verify(VerifyLevel.DEEP).damages == ()
        assert len(story.vault.snapshots(story.org)) == 3

    def test_credentials_come_from_a_file_too(
        self, server: Server, place: StoreAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "credentials"
        lines = [f"{name}={value}" for name, value in server.credentials.items()]
        file.write_text("\n".join(lines))
        for name in server.credentials:
            monkeypatch.delenv(name)
        there = with_credentials(place, file)
        assert opened(there).put_new("one", b"x") is True
        assert opened(there).get("one") == b"x"

    def test_a_wrong_key_is_refused_in_words(
        self, server: Server, place: StoreAddress, tmp_path: Path
    ) -> None:
        if not self.checks_keys:
            pytest.skip("this server lets everybody in")
        file = tmp_path / "credentials"
        lines = [f"{name}={wrong(name, value)}" for name, value in server.credentials.items()]
        file.write_text("\n".join(lines))
        store = opened(with_credentials(place, file))
        for call in (lambda: store.get("one"), lambda: store.put_new("one", b"x")):
            with pytest.raises(StoreError) as refused:
                call()
            assert refused.value.code == "store-refused"

    def test_a_bucket_that_is_not_there_is_named(self, server: Server, place: StoreAddress) -> None:
        store = opened(server.place("no-such-box"))
        calls = (lambda: store.get("one"), lambda: store.size("one"), lambda: list(store.list("")))
        for call in (*calls, lambda: store.put_new("one", b"x")):
            with pytest.raises(StoreError) as missing:
                call()
            assert missing.value.code == "store-missing"

    @pytest.mark.timeout(900)
    def test_a_run_outlives_every_loss_on_the_line(
        self, server: Server, place: StoreAddress, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with line_to(server.url) as line:
            live_through(line, server, place.bucket, monkeypatch)


def with_credentials(place: StoreAddress, file: Path) -> StoreAddress:
    """The same place, with credentials from a file."""
    return replace(place, reach=replace(place.reach, credentials_file=file))


def wrong(name: str, value: str) -> str:
    """Another secret; names stay."""
    if name == "AWS_SECRET_ACCESS_KEY":
        return value[::-1]
    return base64.b64encode(bytes(64)).decode() if name == "AZURE_STORAGE_ACCOUNT_KEY" else value
