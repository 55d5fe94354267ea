"""Writes the golden vaults of format 1: run it only when a format number is added, never to mend a test.

    PYTHONPATH=tests python tests/golden/make_vaults.py tests/golden/format-1

Each gets a folder with the vault, its recovery sheet, and what a reader must find. Encrypted Parquet draws its nonces
itself, so a segment is never made twice: these are kept and read.
"""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import vaultstory
from golden.corners import corners
from golden.telling import told
from second_reader.test_renewed import renewed
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase, MatchColumn
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rectification import Rectify, RightValue
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.salvage import Salvage
from unlost.vault.commits import chain
from unlost.vault.format import sidecar
from unlost.vault.layout import object_names
from unlost.vault.maintenance import compactor
from unlost.vault.maintenance.garbage import GRACE
from unlost.vault.maintenance.shred import plan_shredding, shred_org
from unlost.vault.stores.local import LocalStore
from vaultstory import Story

ZOE = RecordKey("Contact", "003000000000003AAA")
PRICES = RecordKey("ContentVersion", "068000000000003AAA")
WRONG = RecordKey("Account", vaultstory.account_id(57))


def bundled(folder: Path) -> Story:
    """Three nights with a change of the schema, files, and a restore; what is little lies in bundles."""
    return vaultstory.told(LocalStore(folder), few=True)


def plain(folder: Path) -> Story:
    """The same, each segment an object of its own, and each sidecar too."""
    inline, sidecar.INLINE_BYTES = sidecar.INLINE_BYTES, 0
    story = vaultstory.told(LocalStore(folder))
    sidecar.INLINE_BYTES = inline
    return story


def compacted(folder: Path) -> Story:
    """Merged, and what was merged is gone."""
    story = vaultstory.told(LocalStore(folder))
    due, compactor.due = compactor.due, lambda tiers, closed: [tiers] if tiers[1:] else []
    story.vault.compact(story.org, run="compact-1")
    compactor.due = due
    return swept(story)


def forgotten(folder: Path) -> Story:
    """The first night is forgotten."""
    story = vaultstory.told(LocalStore(folder), few=True)
    story.vault.apply(story.org, unconditional(Forget(KeepRules(daily=1))), run="forget-1")
    return swept(story)


def corrected(folder: Path) -> Story:
    """A contact and a file are erased, and an account is put right."""
    story = vaultstory.told(LocalStore(folder), few=True)
    zoe = Erase((ZOE,), (MatchColumn("Contact", "Email"),))
    story.vault.apply(story.org, unconditional(zoe), run="erase-1")
    story.vault.apply(story.org, unconditional(Erase((PRICES,))), run="erase-2")
    right = (RightValue("Notes__c", None), RightValue("Revenue", "7"))
    story.vault.apply(story.org, unconditional(Rectify(WRONG, right)), run="rectify-1")
    return swept(story)


def rekeyed(folder: Path) -> Story:
    """A new master key, and everything under the new keys."""
    story = vaultstory.told(LocalStore(folder), few=True)
    renewed(story, "service-2", whole=True)
    story.vault.rekey(story.org, run="rekey-1")
    swept(story)
    story.vault.rekey(story.org, run="rekey-2")
    return story


def shredded(folder: Path) -> Story:
    """An org is shredded, and added again."""
    story = vaultstory.told(LocalStore(folder), few=True)
    org_vault = story.vault.org_vault(story.org)
    shred_org(org_vault, plan_shredding(org_vault, now=story.clock.now()), at=story.clock.now())
    story.org = story.vault.ensure_org(vaultstory.IDENTITY)
    vaultstory.first_night(story)
    return story


def salvaged(folder: Path) -> Story:
    """A page of the accounts and the smallest pack are damaged, and what they cost is given up."""
    story = vaultstory.told(LocalStore(folder))
    state = story.vault.org_vault(story.org).chain.live()
    accounts = object_names.segment(story.org, state.of("Account", until=1)[0].entry.object)
    packs = folder.glob("orgs/*/packs/*/*")
    for damaged in (folder / accounts, min(packs, key=lambda path: path.stat().st_size)):
        data = bytearray(damaged.read_bytes())
        data[len(data) // 2] ^= 1
        damaged.chmod(0o600)
        damaged.write_bytes(data)
    done = story.vault.apply(story.org, unconditional(Salvage()), run="salvage-1")
    assert done.files_lost
    assert any(one.reduced for one in done.tables)
    return swept(story)


def swept(story: Story) -> Story:
    """What was condemned is gone."""
    story.clock.advance(seconds=GRACE.total_seconds())
    story.vault.sweep(story.org, run="sweep-1")
    return story


MAKERS: tuple[Callable[[Path], Story], ...] = (
    bundled, plain, compacted, forgotten, corrected, rekeyed, shredded, corners, salvaged,
)  # fmt: skip


def make(folder: Path, maker: Callable[[Path], Story]) -> None:
    """One vault with its sheet, and what a reader must find."""
    own = folder / maker.__name__
    (own / "vault").mkdir(parents=True)
    story = maker(own / "vault")
    shutil.rmtree(own / "vault" / ".tmp", ignore_errors=True)
    (own / "sheet.txt").write_text(story.sheet, encoding="utf-8")
    text = json.dumps(told(story.vault), ensure_ascii=False)
    (own / "expected.json").write_text(_lines(text) + "\n", encoding="utf-8")


def _lines(text: str) -> str:
    """One line for each record, so that people can read a difference."""
    return text.replace('}], "', '}],\n"').replace('}, "', '},\n"').replace('], "', '],\n"')


def main() -> None:
    """Make those that are not there yet."""
    folder = Path(sys.argv[1]).absolute()
    vaultstory.TASKS = 40
    chain.CHECKPOINT_EVERY = 2  # so that a checkpoint is among the objects
    for maker in MAKERS:
        if not (folder / maker.__name__).exists():
            make(folder, maker)


if __name__ == "__main__":
    main()
