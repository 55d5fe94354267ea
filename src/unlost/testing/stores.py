"""The conformance suite of stores. Subclass ``StoreContract``, give it a store, and run pytest."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from unlost.model.errors import NotFound, UsageError
from unlost.model.vault.store import ListedObject, Store

_WRITERS = 8


class StoreContract:
    """The promises of ``unlost.model.vault.store.Store``, each as a test.

    A subclass provides the fixture ``store`` (an empty store), and ``reopen`` where a store keeps
    its objects longer than the process.
    """

    @pytest.fixture
    def store(self) -> Store:
        """An empty store."""
        raise NotImplementedError("give the contract a store")

    def reopen(self, store: Store) -> Store:
        """The same store as another process would open it."""
        return store

    def test_an_object_is_there_whole_after_it_was_put(self, store: Store) -> None:
        """A stored object can be read, also after the store is opened again."""
        assert store.put_new("orgs/a/one", b"body") is True
        assert self.reopen(store).get("orgs/a/one") == b"body"
        assert self.reopen(store).size("orgs/a/one") == 4

    def test_an_empty_object_is_an_object(self, store: Store) -> None:
        """An object of zero bytes exists, and its name is taken."""
        assert store.put_new("empty", b"") is True
        assert store.get("empty") == b""
        assert store.size("empty") == 0
        assert store.put_new("empty", b"x") is False

    def test_a_name_is_given_once(self, store: Store) -> None:
        """The second put loses and changes nothing, even with equal bytes."""
        assert store.put_new("name", b"first") is True
        assert store.put_new("name", b"second") is False
        # Equal bytes as well: the caller must learn that it did not create the object.
        assert store.put_new("name", b"first") is False
        assert store.put_stream("name", iter([b"third"])) is False
        assert store.get("name") == b"first"

    def test_of_eight_writers_one_wins(self, store: Store) -> None:
        """Exactly one of several concurrent writers of a name wins, and its bytes are stored."""
        for number in range(8):
            name, barrier = f"race/{number}", Barrier(_WRITERS)
            bodies = [bytes([65 + writer]) * 100_000 for writer in range(_WRITERS)]

            def put(body: bytes, name: str = name, barrier: Barrier = barrier) -> bool:
                # All writers start together, so that they really race.
                barrier.wait()
                return store.put_new(name, body)

            with ThreadPoolExecutor(_WRITERS) as pool:
                won = list(pool.map(put, bodies))
            assert won.count(True) == 1
            assert store.get(name) == bodies[won.index(True)]

    def test_a_stream_is_joined(self, store: Store) -> None:
        """Chunks of any size make one object."""
        assert store.put_stream("stream", iter([b"a", b"", b"bc" * 50_000])) is True
        assert store.get("stream") == b"a" + b"bc" * 50_000

    def test_a_stream_that_breaks_off_leaves_nothing(self, store: Store) -> None:
        """A failing source creates no object, and the name stays free."""

        def broken() -> Iterator[bytes]:
            yield b"half"
            raise UsageError("test", "The source broke off.")

        with pytest.raises(UsageError, match="broke off"):
            store.put_stream("broken", broken())
        assert store.size("broken") is None
        assert list(store.list("")) == []
        assert store.put_new("broken", b"whole") is True

    def test_what_is_not_there_is_said_to_be_missing(self, store: Store) -> None:
        """Reading a missing object raises NotFound; ``size`` gives None, and ``delete`` False."""
        with pytest.raises(NotFound) as missing:
            store.get("nothing/here")
        assert missing.value.code == "object-missing"
        with pytest.raises(NotFound):
            store.get_range("nothing/here", start=0, length=1)
        assert store.size("nothing/here") is None
        assert store.delete("nothing/here") is False

    def test_an_object_is_no_folder(self, store: Store) -> None:
        """A name below an object's name does not exist, nor is a folder an object."""
        store.put_new("a/b", b"x")
        assert store.size("a/b/c") is None
        assert store.delete("a/b/c") is False
        with pytest.raises(NotFound):
            store.get("a/b/c")

    def test_a_range_is_cut_out(self, store: Store) -> None:
        """Ranges return the existing bytes, which are fewer beyond the end."""
        store.put_new("range", b"0123456789")
        assert store.get_range("range", start=2, length=3) == b"234"
        assert store.get_range("range", start=8, length=5) == b"89"
        assert store.get_range("range", start=10, length=5) == b""
        assert store.get_range("range", start=3, length=0) == b""

    def test_a_list_is_in_the_order_of_names(self, store: Store) -> None:
        """Prefixes are of names, not of folders; the order is that of the bytes."""
        names = ["k/10", "k/2", "k/2a", "k-1", "k/a/x", "k/a-b", "other"]
        for name in names:
            store.put_new(name, name.encode())
        assert [listed.name for listed in store.list("k/")] == [
            "k/10",
            "k/2",
            "k/2a",
            "k/a-b",
            "k/a/x",
        ]
        assert list(store.list("k/2")) == [ListedObject("k/2", 3), ListedObject("k/2a", 4)]
        assert [listed.name for listed in store.list("")] == sorted(names)
        assert list(store.list("none/")) == []

    def test_a_deleted_object_is_gone(self, store: Store) -> None:
        """A deleted object cannot be read, and its name is free again."""
        store.put_new("gone", b"x")
        assert store.delete("gone") is True
        assert self.reopen(store).size("gone") is None
        assert list(store.list("")) == []
        assert store.put_new("gone", b"y") is True

    @pytest.mark.parametrize(
        "name", ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "A", "a b", "a\n", "é", "a" * 513]
    )
    def test_a_bad_name_is_refused(self, store: Store, name: str) -> None:
        """Names that lead out of the store or mean something else on another system are refused."""
        with pytest.raises(UsageError) as refused:
            store.put_new(name, b"x")
        assert refused.value.code == "object-name"
        with pytest.raises(UsageError):
            store.get(name)

    def test_a_path_reads_the_same_bytes(self, store: Store) -> None:
        """The files of a store, if it has any, hold the bytes of its objects."""
        store.put_new("file/one", b"body")
        path = store.path("file/one")
        assert path is None or path.read_bytes() == b"body"
