"""A vault's folder with the same files in another place: what happens to them there stays there."""

import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.vault_nights import Bench


class Linked:
    """The vault of a folder as it is; objects are never changed in place, so links are as good as copies."""

    def __init__(self, source: Path, rows: int) -> None:
        self._source = source
        self._rows = rows
        self._folder = Path(tempfile.mkdtemp(prefix="linked-", dir=source.parent))

    def __enter__(self) -> Bench:
        shutil.copytree(self._source, self._folder, copy_function=os.link, dirs_exist_ok=True)
        return Bench.again(self._folder, rows=self._rows, search=True)

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder)
