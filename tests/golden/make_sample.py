"""Writes the sample vault that the format pages offer: the golden vault ``bundled``, packed.

PYTHONPATH=tests python tests/golden/make_sample.py docs/reference/vault-format/sample-vault.zip
"""

import sys
import zipfile
from pathlib import Path

SOURCE = Path(__file__).parent / "format-1" / "bundled"
RENAMED = {"sheet.txt": "recovery-sheet.txt"}
EPOCH = (1980, 1, 1, 0, 0, 0)  # so that two archives of one vault are equal


def members() -> dict[str, bytes]:
    """Contents of the archive by their names: the vault, and its recovery sheet."""
    files = [SOURCE / "sheet.txt", *(SOURCE / "vault").rglob("*")]
    named = {file.relative_to(SOURCE).as_posix(): file for file in files if file.is_file()}
    return {RENAMED.get(name, name): named[name].read_bytes() for name in sorted(named)}


def write(target: Path) -> None:
    """Write the archive. Its members are not compressed: almost all of them are encrypted."""
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members().items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
