"""A file system in memory that loses unsynced data at a power cut, and that may be full.

It has the weakest guarantees of POSIX: the bytes of a file are safe once the file was synced, a
name is safe once its folder was synced. A real disk may or may not have written the rest at a power
cut; ``power_cut`` chooses between the two extremes. For example:

    create a; write a; link a -> b; sync folder; power cut   b is there, and empty
    create a; write a; sync a; link a -> b; power cut        b may be there, and is then whole

``crash_at`` ends the process before the n-th change. A test that counts the changes of an operation
and repeats it once for each number sees every state a crash can leave.
"""

import errno
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from unlost.vault.stores.fault import StoreCrash


@dataclass(slots=True, eq=False)
class _File:
    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""


class UnsyncedDisk:
    """A ``Disk`` in memory. Several threads may use it if each writes its own files.

    ``crash_at`` ends the process before the n-th changing call (from 1). ``capacity`` in bytes.
    """

    def __init__(
        self, *, root: Path, crash_at: int | None = None, capacity: int | None = None
    ) -> None:
        self._names: dict[Path, _File] = {}
        self._safe_names: dict[Path, _File] = {}
        self._folders: set[Path] = {root, *root.parents}
        self._safe_folders = set(self._folders)
        self._open: dict[int, _File] = {}
        self._handles = itertools.count(3)
        self.crash_at = crash_at
        self.capacity = capacity
        self.changes = 0

    def power_cut(self, *, names_survive: bool) -> None:
        """Lose unsynced bytes; unsynced names survive (without their bytes) or are lost."""
        self._open.clear()
        self.crash_at = None
        if not names_survive:
            self._folders = set(self._safe_folders)
            self._names = {
                name: file
                for name, file in self._safe_names.items()
                if self._folders.issuperset(name.parents)
            }
        for file in self._names.values():
            file.data = bytearray(file.synced)
        self._safe_names = dict(self._names)
        self._safe_folders = set(self._folders)

    def create(self, path: Path) -> int:
        """Create a new file and open it."""
        self._change()
        self._must_have(path.parent)
        if path in self._names:
            raise FileExistsError(errno.EEXIST, "File exists", str(path))
        handle = next(self._handles)
        self._names[path] = self._open[handle] = _File()
        return handle

    def write(self, handle: int, data: bytes) -> None:
        """Append the bytes that fit; OSError (ENOSPC) if not all fit."""
        self._change()
        room = len(data)
        if self.capacity is not None:
            room = self.capacity - sum(len(file.data) for file in set(self._names.values()))
        self._open[handle].data += data[:room]
        if room < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")

    def sync(self, handle: int) -> None:
        """Make the file's bytes safe."""
        self._change()
        self._open[handle].synced = bytes(self._open[handle].data)

    def close(self, handle: int) -> None:
        """Close the file; changes nothing."""
        self._open.pop(handle, None)

    def link(self, path: Path, to: Path) -> None:
        """Give a file a second name."""
        self._change()
        self._must_have(to.parent)
        if to in self._names:
            raise FileExistsError(errno.EEXIST, "File exists", str(to))
        self._names[to] = self._file(path)

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        self._change()
        self._file(path)
        del self._names[path]

    def has_folder(self, path: Path) -> bool:
        """True if the folder exists."""
        return path in self._folders

    def make_folder(self, path: Path) -> None:
        """Make a folder."""
        self._change()
        self._must_have(path.parent)
        self._folders.add(path)

    def sync_folder(self, path: Path) -> None:
        """Make the folder's names safe, and the removal of names from it."""
        self._change()
        self._must_have(path)
        for name in [name for name in list(self._safe_names) if _lies_in(name, path)]:
            del self._safe_names[name]
        there, folders = (
            list(self._names.items()),
            list(self._folders),
        )  # other threads may change them
        self._safe_names |= {name: file for name, file in there if _lies_in(name, path)}
        self._safe_folders |= {folder for folder in folders if _lies_in(folder, path)}

    def unlink_abandoned(self, path: Path) -> bool:
        """Remove a file that is not open."""
        if self._file(path) in self._open.values():
            return False
        self.unlink(path)
        return True

    def read(self, path: Path, *, start: int, length: int | None) -> bytes:
        """Bytes of a file."""
        return bytes(self._file(path).data[start : None if length is None else start + length])

    def size(self, path: Path) -> int:
        """Size of a file."""
        return len(self._file(path).data)

    def walk(self, path: Path) -> Iterator[tuple[Path, int]]:
        """Files below a folder."""
        begin = _begin(path)
        for name, file in list(self._names.items()):
            if str(name).startswith(begin):
                yield name, len(file.data)

    def _change(self) -> None:
        self.changes += 1
        if self.crash_at is not None and self.changes >= self.crash_at:
            raise StoreCrash

    def _must_have(self, folder: Path) -> None:
        if folder not in self._folders:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(folder))

    def _file(self, path: Path) -> _File:
        if path not in self._names:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        return self._names[path]


def _begin(folder: Path) -> str:
    """The prefix of all paths below a folder; comparing it is much faster than ``parents``."""
    return str(folder).rstrip("/") + "/"


def _lies_in(path: Path, folder: Path) -> bool:
    """True if ``path`` is directly in ``folder``, not in a folder below."""
    begin = _begin(folder)
    return str(path).startswith(begin) and "/" not in str(path)[len(begin) :]
