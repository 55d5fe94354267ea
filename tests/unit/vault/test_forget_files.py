"""Older contents of files go with the nights that had them, but for those of what is held."""

import random

import pytest

import vaultstory
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, Hold, HoldScope, HoldTarget, KeepRules
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.stores.memory import MemoryStore
from vaultstory import IDENTITY, Story

TABLE = "ContentVersion"
ONE, OTHER = "068000000000001AAA", "068000000000002AAA"


def body(record: str, night: int) -> bytes:
    return random.Random(f"{record}{night}").randbytes(3_000)


def story() -> Story:
    """Two nights; both files have other contents in the second."""
    made = vaultstory.found(MemoryStore())
    vaultstory.first_night(made, files={record: body(record, 1) for record in (ONE, OTHER)})
    made.clock.advance(days=1)
    commit = made.vault.begin(made.org, run="night-2", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(vaultstory.SCHEMA)
    commit.put_certificate(vaultstory.certificate(made, "night-2"))
    files = [vaultstory.file(record, body(record, 2), "menu.txt") for record in (ONE, OTHER)]
    vaultstory.finish(made, commit, [commit.add_files(files)])
    return made


@pytest.mark.parametrize(
    ("thing", "going"),
    [
        (None, 2),
        (HoldTarget(HoldScope.RECORD, TABLE, ONE), 1),
        (HoldTarget(HoldScope.RECORD, "Account", ONE), 2),
        (HoldTarget(HoldScope.TABLE, TABLE), 0),
        (HoldTarget(HoldScope.TABLE, "Account"), 2),
        (HoldTarget(HoldScope.ORG), 0),
    ],
)
def test_older_contents_stay_where_a_record_or_its_table_is_held(
    thing: HoldTarget | None, going: int
) -> None:
    made = story()
    if thing is not None:
        made.vault.change_holds(made.org, placed=(Hold(thing, "lawsuit"),), run="hold-1")
    assert made.vault.plan(made.org, Forget(KeepRules(daily=1))).effect.files == going
    assert (
        made.vault.apply(made.org, unconditional(Forget(KeepRules(daily=1))), run="forget-1").files
        == going
    )
    made.clock.advance(days=9)
    made.vault.sweep(made.org, run="sweep-1")
    assert made.vault.verify(VerifyLevel.DEEP).damages == ()
    held = made.vault.at(made.org, 2).files(TABLE, [ONE, OTHER])
    for file in held:
        with made.vault.open_file(made.org, file.blob) as stream:
            assert stream.read() == body(file.record, 2)
    assert len(held) == 2
