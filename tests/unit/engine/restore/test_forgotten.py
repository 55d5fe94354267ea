"""After backups were forgotten: last states come back, and backups go on."""

import pytest

from unit.engine.restore.atelier import Atelier, actions
from unit.engine.test_hidden_rows import hidden_and_purged
from unlost.model.errors import NotFound
from unlost.model.plan import Action, RecordKey, Selection, SelectionKind
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, Hold, HoldScope, HoldTarget, KeepRules

NEWEST = KeepRules(daily=1)


def test_the_last_state_of_a_lost_record_comes_back(atelier: Atelier) -> None:
    """Although no backup that is left shows it, or an older state alone."""
    parent = atelier.make("Account", "Zotter", Number="1")
    child = atelier.make("Contact", "Julia", Account=parent)
    atelier.night()
    atelier.org.update("Account", parent, {"Name": "Zotter, renamed"})
    atelier.night()
    atelier.lose("Contact", child)
    atelier.lose("Account", parent)
    atelier.night()
    atelier.night()
    pin = Hold(HoldTarget(HoldScope.NIGHT, backup=1))
    atelier.vault.change_holds(atelier.oid, placed=(pin,), run="h1")
    done = atelier.vault.apply(atelier.oid, unconditional(Forget(NEWEST)), run="f1")
    assert done.kept == (1, 4)
    chosen = Selection(SelectionKind.RECORDS, records=(RecordKey("Account", parent),))
    plan = atelier.planned(chosen)
    assert actions(plan)[parent] is Action.CREATE
    assert child in actions(plan)
    atelier.restore(plan)
    assert [row["Name"] for row in atelier.live("Account").values()] == ["Zotter, renamed"]
    assert [row["Name"] for row in atelier.live("Contact").values()] == ["Julia"]


def test_what_lies_in_the_bin_comes_back_in_its_last_state(atelier: Atelier) -> None:
    """The source gave the deleted row itself."""
    record = atelier.make("Account", "Zotter", Number="1")
    atelier.night()
    atelier.org.update("Account", record, {"Name": "Zotter, renamed"})
    atelier.night()
    atelier.org.delete("Account", record)
    atelier.night()
    assert set(atelier.dead("Account").values()) == {"D"}
    atelier.night()
    atelier.vault.change_holds(
        atelier.oid, placed=(Hold(HoldTarget(HoldScope.NIGHT, backup=1)),), run="h1"
    )
    atelier.vault.apply(atelier.oid, unconditional(Forget(NEWEST)), run="f1")
    chosen = Selection(SelectionKind.RECORDS, records=(RecordKey("Account", record),))
    atelier.restore(atelier.planned(chosen))
    assert [row["Name"] for row in atelier.live("Account").values()] == ["Zotter, renamed"]


def test_a_backup_goes_on_with_a_row_that_is_hidden_since_a_forgotten_one(atelier: Atelier) -> None:
    row = hidden_and_purged(atelier)
    atelier.night()
    atelier.vault.apply(atelier.oid, unconditional(Forget(NEWEST)), run="f1")
    atelier.night()
    assert atelier.dead("Account") == {row: "M"}
    with pytest.raises(NotFound, match="was forgotten"):
        atelier.vault.at(atelier.oid, 2)
