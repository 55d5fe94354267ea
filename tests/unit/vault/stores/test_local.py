"""The local store: what it leaves behind, what it survives, and how it says that it cannot."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from unlost.model.errors import NotFound, StoreError
from unlost.vault.stores.disk import RealDisk
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.unsynced import UnsyncedDisk

ROOT = Path("/v")
NAME = "orgs/a/data/1"
BODY = b"body" * 100


class FailingDisk(RealDisk):
    """A real disk on which one call fails."""

    def __init__(self, call: str, number: int) -> None:
        self._call = call
        self._number = number

    def __getattribute__(self, name: str):
        if name == object.__getattribute__(self, "_call"):
            number = object.__getattribute__(self, "_number")

            def fail(*args, **kwargs):
                raise OSError(number, os.strerror(number))

            return fail
        return super().__getattribute__(name)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_nothing_but_the_objects_is_left(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "v")
    store.put_new("a/b", b"x")
    store.put_new("a/b", b"y")
    assert files_below(tmp_path) == [tmp_path / "v" / "a" / "b"]


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "v")
    store.put_new("a/b", b"x")
    assert stat.S_IMODE((tmp_path / "v" / "a" / "b").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "v" / "a").stat().st_mode) == 0o700


def test_properties_name_the_folder(tmp_path: Path) -> None:
    assert LocalStore(tmp_path).properties.folder == tmp_path
    assert LocalStore(tmp_path).properties.address == str(tmp_path)


def test_a_folder_that_vanished_is_made_again(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "v")
    store.put_new("a/b", b"x")
    store.delete("a/b")
    (tmp_path / "v" / "a").rmdir()
    assert store.put_new("a/b", b"y")
    assert store.get("a/b") == b"y"


@pytest.mark.parametrize("call", ["write", "sync", "link", "make_folder", "create"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_nothing_and_says_what_to_do(
    tmp_path: Path, call: str, number: int
) -> None:
    store = LocalStore(tmp_path / "v", disk=FailingDisk(call, number))
    with pytest.raises(StoreError) as full:
        store.put_new(NAME, BODY)
    assert full.value.code == "store-full"
    assert "space" in full.value.sentence
    assert "Free some space" in full.value.next_step
    assert files_below(tmp_path) == []
    assert LocalStore(tmp_path / "v").put_new(NAME, BODY)


def test_a_disk_that_fills_up_in_the_middle_of_an_object() -> None:
    disk = UnsyncedDisk(root=Path("/"), capacity=1_000)
    store = LocalStore(ROOT, disk=disk)
    assert store.put_new("first", b"x" * 600)
    with pytest.raises(StoreError, match="no space"):
        store.put_stream("second", iter([b"y" * 300, b"y" * 300]))
    assert [listed.name for listed in store.list("")] == ["first"]
    assert store.sweep() == 0
    assert store.put_new("third", b"z" * 400)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EACCES, "store-refused"),
        (errno.EROFS, "store-refused"),
        (errno.EIO, "store-failed"),
        (errno.ENOENT, "store-failed"),
    ],
)
def test_other_failures_have_their_own_words(tmp_path: Path, number: int, code: str) -> None:
    store = LocalStore(tmp_path / "v", disk=FailingDisk("sync", number))
    with pytest.raises(StoreError) as failed:
        store.put_new(NAME, BODY)
    assert failed.value.code == code
    assert str(tmp_path) in failed.value.sentence
    assert failed.value.next_step


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_a_file_system_without_links_is_refused_in_words(tmp_path: Path, number: int) -> None:
    store = LocalStore(tmp_path / "v", disk=FailingDisk("link", number))
    with pytest.raises(StoreError, match="does not support hard links") as refused:
        store.put_new(NAME, BODY)
    assert refused.value.code == "store-not-atomic"
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("call", ["read", "size", "walk", "unlink"])
def test_reading_fails_in_our_words_too(tmp_path: Path, call: str) -> None:
    LocalStore(tmp_path / "v").put_new(NAME, BODY)
    store = LocalStore(tmp_path / "v", disk=FailingDisk(call, errno.EIO))
    action = {
        "read": lambda: store.get(NAME),
        "size": lambda: store.size(NAME),
        "walk": lambda: list(store.list("")),
        "unlink": lambda: store.delete(NAME),
    }[call]
    with pytest.raises(StoreError):
        action()


def test_a_store_on_another_file_system_has_no_paths() -> None:
    assert LocalStore(ROOT, disk=UnsyncedDisk(root=Path("/"))).path(NAME) is None


def test_a_sweep_takes_what_the_dead_left_and_nothing_of_the_living(tmp_path: Path) -> None:
    root = tmp_path / "v"
    store = LocalStore(root)
    store.put_new("a", b"x")
    (root / ".tmp" / "4711-0").write_bytes(b"left by a crash")

    def slow() -> Iterator[bytes]:
        yield b"half"
        assert LocalStore(root).sweep() == 1
        assert len(files_below(root / ".tmp")) == 1
        yield b"whole"

    assert store.put_stream("b", slow())
    assert store.get("b") == b"halfwhole"
    assert files_below(root / ".tmp") == []
    assert store.sweep() == 0


def test_a_temporary_file_of_our_number_is_stepped_over(tmp_path: Path) -> None:
    root = tmp_path / "v"
    (root / ".tmp").mkdir(parents=True)
    (root / ".tmp" / f"{os.getpid()}-0").write_bytes(b"of an earlier process")
    assert LocalStore(root).put_new("a", b"x")
    assert (root / ".tmp" / f"{os.getpid()}-0").read_bytes() == b"of an earlier process"


def test_a_sweep_in_the_moment_before_the_lock_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new"
    real, swept = os.open, []

    def open_and_sweep(*args, **kwargs):
        handle = real(*args, **kwargs)
        if not swept:
            swept.append(path)
            path.unlink()
        return handle

    monkeypatch.setattr("unlost.vault.stores.disk.os.open", open_and_sweep)
    handle = RealDisk().create(path)
    os.close(handle)
    assert swept
    assert path.exists()


def test_a_write_in_parts_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(
        "unlost.vault.stores.disk.os.write", lambda handle, data: real(handle, data[:7])
    )
    store = LocalStore(tmp_path / "v")
    assert store.put_new("a", bytes(range(200)))
    assert store.get("a") == bytes(range(200))


def scripted(store: LocalStore) -> None:
    """Two objects and a removal: creates folders, takes a name twice, deletes."""
    store.put_new("kept", b"before")
    store.put_stream(NAME, iter([BODY, BODY]))
    store.put_new(NAME, b"another")
    store.delete("kept")


def changes_of_the_script() -> int:
    disk = UnsyncedDisk(root=Path("/"))
    scripted(LocalStore(ROOT, disk=disk))
    return disk.changes


@pytest.mark.parametrize("names_survive", [True, False])
@pytest.mark.parametrize("crash_at", range(1, changes_of_the_script() + 1))
def test_a_power_cut_at_any_call_leaves_whole_objects_only(
    crash_at: int, names_survive: bool
) -> None:
    disk = UnsyncedDisk(root=Path("/"), crash_at=crash_at)
    with pytest.raises(StoreCrash):
        scripted(LocalStore(ROOT, disk=disk))
    disk.power_cut(names_survive=names_survive)
    store = LocalStore(ROOT, disk=disk)
    found = {listed.name: store.get(listed.name) for listed in store.list("")}
    assert found.items() <= {"kept": b"before", NAME: BODY + BODY}.items()
    store.sweep()
    scripted(store)
    assert [listed.name for listed in store.list("")] == [NAME]


@pytest.mark.parametrize("names_survive", [True, False])
def test_what_was_put_survives_every_power_cut(names_survive: bool) -> None:
    disk = UnsyncedDisk(root=Path("/"))
    store = LocalStore(ROOT, disk=disk)
    assert store.put_new("deep/er/still", b"x")
    assert store.put_new("gone", b"y")
    assert store.delete("gone")
    disk.power_cut(names_survive=names_survive)
    again = LocalStore(ROOT, disk=disk)
    assert [listed.name for listed in again.list("")] == ["deep/er/still"]
    assert again.get("deep/er/still") == b"x"


def test_the_disk_that_forgets_does_forget() -> None:
    disk = UnsyncedDisk(root=Path("/"))
    disk.make_folder(ROOT)
    handle = disk.create(ROOT / "a")
    disk.write(handle, b"lost")
    disk.sync_folder(Path("/"))
    disk.sync_folder(ROOT)
    disk.close(handle)
    disk.power_cut(names_survive=False)
    assert disk.read(ROOT / "a", start=0, length=None) == b""
    disk.create(ROOT / "b")
    disk.power_cut(names_survive=False)
    with pytest.raises(FileNotFoundError):
        disk.size(ROOT / "b")
    with pytest.raises(FileNotFoundError):
        disk.create(ROOT / "no" / "folder")


def test_the_disk_in_memory_behaves_like_a_disk() -> None:
    disk = UnsyncedDisk(root=Path("/"))
    handle = disk.create(Path("/a"))
    disk.write(handle, b"0123")
    with pytest.raises(FileExistsError):
        disk.create(Path("/a"))
    assert not disk.unlink_abandoned(Path("/a"))
    assert disk.read(Path("/a"), start=1, length=2) == b"12"
    assert list(disk.walk(Path("/"))) == [(Path("/a"), 4)]
    assert list(disk.walk(Path("/none"))) == []
    disk.close(handle)
    disk.link(Path("/a"), Path("/b"))
    with pytest.raises(FileExistsError):
        disk.link(Path("/a"), Path("/b"))
    assert disk.unlink_abandoned(Path("/a"))
    assert disk.size(Path("/b")) == 4


def test_a_file_that_vanishes_while_a_folder_is_walked_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.setattr(
        "unlost.vault.stores.disk.os.walk", lambda path: [(str(tmp_path), [], ["a", "gone"])]
    )
    assert list(RealDisk().walk(tmp_path)) == [(tmp_path / "a", 1)]


WRITER = """
import sys
from pathlib import Path
from unlost.vault.stores.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
sys.stdin.readline()
print(sum(store.put_new(f"n/{i}", sys.argv[2].encode() * 1000) for i in range(200)))
"""


def test_processes_share_a_folder_and_each_name_has_one_winner(tmp_path: Path) -> None:
    root = tmp_path / "v"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    won = []
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        out, _ = writer.communicate(timeout=60)
        won.append(int(out))
    assert sum(won) == 200
    store = LocalStore(root)
    bodies = [store.get(f"n/{number}") for number in range(200)]
    assert all(len(body) == 1000 and len(set(body)) == 1 for body in bodies)
    assert [sum(body[:1] == str(n).encode() for body in bodies) for n in range(3)] == won


def test_a_name_under_a_file_is_missing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "v")
    store.put_new("a", b"x")
    with pytest.raises(NotFound):
        store.get_range("a/b", start=0, length=1)
