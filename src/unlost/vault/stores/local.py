"""A store in a folder: on a disk, or on a share that supports hard links and fsync.

Creating an object must be atomic, exclusive and durable. The steps, in this order:

    1. write the bytes to .tmp/<pid>-<n>, which is locked while it is open
    2. fsync that file
    3. make the folders of the target, and fsync the parent of each
    4. link the file to its name: the file system lets exactly one of two writers do that
    5. fsync the folder of the name, then remove the temporary name

A power cut before step 4 leaves only a temporary file, which ``sweep`` removes. After step 5 the
object survives a power cut. Other programs may copy the folder. See docs/adr/0001.
"""

import errno
import itertools
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from unlost.model.errors import StoreError, UnlostError
from unlost.model.vault.store import ListedObject, StoreProperties
from unlost.vault.stores.disk import Disk, RealDisk
from unlost.vault.stores.store import check_name, is_name, missing, not_atomic

_TEMPORARY = ".tmp"  # no object's name begins with a dot, so no object can be in this folder
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class LocalStore:
    """Keeps each object as a file below ``root``; creates the folder with the first object.

    Safe to share between threads, and between processes on any number of machines as far as the
    file system is.
    """

    def __init__(self, root: Path, *, disk: Disk | None = None) -> None:
        """``root``: an absolute folder. ``disk``: the file system, the machine's own by default."""
        self._root = root
        self._disk = disk or RealDisk()
        self._real = disk is None
        self._durable: set[Path] = set()
        self._lock = threading.Lock()
        self._numbers = itertools.count()

    @property
    def properties(self) -> StoreProperties:
        """Facts about this store."""
        return StoreProperties(address=str(self._root), folder=self._root)

    def put_new(self, name: str, data: bytes) -> bool:
        """Create an object; False if the name is taken."""
        return self.put_stream(name, (data,))

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Create an object from chunks; False if the name is taken."""
        target = self._file(name)
        if self.size(name) is not None:
            with self._speaking(name):
                self._disk.sync_folder(target.parent)  # its writer may not have synced it yet
            return False
        with self._speaking(name), self._temporary(chunks) as temporary:
            return self._publish(temporary, target)

    def get(self, name: str) -> bytes:
        """All bytes of an object; raises NotFound."""
        return self._read(name, start=0, length=None)

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object; raises NotFound."""
        return self._read(name, start=start, length=length)

    def size(self, name: str) -> int | None:
        """Size in bytes; None if the object does not exist."""
        file = self._file(name)
        with self._speaking(name):
            try:
                return self._disk.size(file)
            except (FileNotFoundError, NotADirectoryError):
                return None

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects whose names begin with ``prefix``, in order."""
        folder = self._root / prefix.rpartition("/")[0]
        with self._speaking(prefix):
            listed_objects = [
                ListedObject(file.relative_to(self._root).as_posix(), size)
                for file, size in self._disk.walk(folder)
            ]
        yield from sorted(
            (
                o
                for o in listed_objects
                if o.name.startswith(prefix)
                and not o.name.startswith(_TEMPORARY)
                and is_name(o.name)
            ),
            key=lambda listed: listed.name,
        )

    def delete(self, name: str) -> bool:
        """Remove an object; False if there is none."""
        file = self._file(name)
        with self._speaking(name):
            try:
                self._disk.unlink(file)
            except (FileNotFoundError, NotADirectoryError):
                return False
            self._disk.sync_folder(file.parent)
        return True

    def path(self, name: str) -> Path | None:
        """The object's file; None on a file system that is not the machine's own."""
        file = self._file(name)
        return file if self._real else None

    def sweep(self) -> int:
        """Remove temporary files that a crash left behind; returns their number."""
        with self._speaking(_TEMPORARY):
            paths = [file for file, _ in self._disk.walk(self._root / _TEMPORARY)]
            return sum(self._disk.unlink_abandoned(file) for file in paths)

    def _file(self, name: str) -> Path:
        return self._root / check_name(name)

    def _read(self, name: str, *, start: int, length: int | None) -> bytes:
        file = self._file(name)
        with self._speaking(name):
            try:
                return self._disk.read(file, start=start, length=length)
            except (FileNotFoundError, NotADirectoryError):
                raise missing(name) from None

    @contextmanager
    def _temporary(self, chunks: Iterable[bytes]) -> Iterator[Path]:
        """A synced file with these bytes; its temporary name is always removed at the end."""
        folder = self._root / _TEMPORARY
        self._make_durable(folder)
        path, handle = self._create(folder)
        try:
            try:
                for chunk in chunks:
                    self._disk.write(handle, chunk)
                self._disk.sync(handle)
                yield path
            finally:
                self._disk.close(handle)
        finally:
            with suppress(FileNotFoundError):
                self._disk.unlink(path)

    def _create(self, folder: Path) -> tuple[Path, int]:
        """Create a temporary file; skips names that another process with our number left there."""
        while True:
            path = folder / f"{os.getpid()}-{next(self._numbers)}"
            with suppress(FileExistsError):
                return path, self._disk.create(path)

    def _publish(self, temporary: Path, target: Path) -> bool:
        self._make_durable(target.parent)
        try:
            self._link(temporary, target)
        except FileExistsError:
            self._disk.sync_folder(target.parent)  # the winner may not have synced it yet
            return False
        except FileNotFoundError:  # another program removed the empty folder since it was made
            self._durable.clear()
            self._make_durable(target.parent)
            self._link(temporary, target)
        self._disk.sync_folder(target.parent)
        return True

    def _link(self, temporary: Path, target: Path) -> None:
        """Give the object its name; only one of two writers can."""
        try:
            self._disk.link(temporary, target)
        except OSError as error:
            if error.errno in _NO_LINKS:
                raise not_atomic(
                    self.properties, "its file system does not support hard links"
                ) from error
            raise

    def _make_durable(self, folder: Path) -> None:
        """Make a folder and its parents, and sync each name into its parent folder."""
        if folder in self._durable:
            return
        with self._lock:
            for step in self._steps_to(folder):
                self._disk.make_folder(step)
                self._disk.sync_folder(step.parent)
                self._durable.add(step)

    def _steps_to(self, folder: Path) -> Sequence[Path]:
        """The folders down to ``folder`` that are not known to be durable, top first.

        They begin at the store's root, or at a missing folder above it.
        """
        upwards = [folder, *folder.parents]
        top = upwards.index(self._root)
        while not self._disk.has_folder(upwards[top + 1]):
            top += 1
        return [step for step in reversed(upwards[: top + 1]) if step not in self._durable]

    @contextmanager
    def _speaking(self, name: str) -> Iterator[None]:
        """Convert the operating system's errors into ours."""
        try:
            yield
        except UnlostError:
            raise
        except OSError as error:
            raise self._explain(error, name) from error

    def _explain(self, error: OSError, name: str) -> StoreError:
        where = f"{self._root} (writing or reading “{name}”)"
        if error.errno in _NO_ROOM:
            return StoreError(
                "store-full",
                "There is no space left in {where}. No incomplete object was kept.",
                next_step="Free some space or move the vault to a larger disk, then run it again.",
                where=where,
            )
        if error.errno in _REFUSED:
            return StoreError(
                "store-refused",
                "The operating system denied access to {where}: {strerror}.",
                next_step="Give the user that runs Unlost permission to read and write there.",
                where=where,
                strerror=error.strerror,
            )
        return StoreError(
            "store-failed",
            "The store {where} failed: {strerror}.",
            next_step="Check the disk or the share, then run it again.",
            where=where,
            strerror=error.strerror or error,
        )
