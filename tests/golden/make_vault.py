"""Writes the golden vault: run it only when a format number is added, never to mend a test.

    PYTHONPATH=tests python tests/golden/make_vault.py tests/golden/format-0

Encrypted Parquet draws its nonces itself, so a segment is never made twice: these are kept and read.
"""

import hashlib
import json
import sys
from pathlib import Path

import vaultstory
from unlost.vault import chain
from unlost.vault.stores.local import LocalStore
from unlost.vault.vault import EncryptedVault

TABLES = ("Account", "Contact", "ContentVersion", "Task")


def told(vault: EncryptedVault, org: str) -> dict[str, object]:
    """What a reader must find: for each snapshot and table the number of rows and a digest."""
    return {
        f"{info.number} {table} {scan}": _digest(getattr(vault.at(org, info.number), scan)(table))
        for info in vault.snapshots(org)
        for table in TABLES
        for scan in ("scan", "scan_deleted")
    } | {
        f"history {record}": [f"{v.snapshot} {v.op}" for v in vault.history(org, "Account", record)]
        for record in map(vaultstory.account_id, (5, 20, 30, 50))
    }


def _digest(reader) -> list[object]:
    rows = reader.read_all().to_pylist()
    text = json.dumps(rows, sort_keys=True, default=lambda value: value.isoformat())
    return [len(rows), hashlib.sha256(text.encode()).hexdigest()]


def main() -> None:
    """Tell the story into a folder that must not be there yet."""
    folder = Path(sys.argv[1]).absolute()
    (folder / "vault").mkdir()
    chain.CHECKPOINT_EVERY = 2  # so that a checkpoint is among the objects
    story = vaultstory.told(LocalStore(folder / "vault"))
    (folder / "vault" / ".tmp").rmdir()
    (folder / "sheet.txt").write_text(story.sheet, encoding="utf-8")
    expected = told(story.vault, story.org)
    text = json.dumps(expected, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
