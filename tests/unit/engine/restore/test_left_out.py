"""Plans without what people left out: tables and records that would have come."""

import pytest

from unit.engine.restore.atelier import Atelier, actions, note_of, step_of
from unlost.engine.restore.planning.plan import LeftOut, plan_again, plan_restore
from unlost.model.errors import UsageError
from unlost.model.plan import Action, NoteWeight, RecordKey, RestorePlan, Selection, SelectionKind


def planned(atelier: Atelier, *records: tuple[str, str], left_out: LeftOut) -> RestorePlan:
    keys = tuple(RecordKey(table, record) for table, record in records)
    selection = Selection(SelectionKind.RECORDS, keys)
    return plan_restore(
        atelier.oid, atelier.planning(), selection, left_out=left_out, plan_id="plan-less"
    )


def tables(*names: str) -> LeftOut:
    return LeftOut(tables=frozenset(names))


def one(table: str, record: str) -> LeftOut:
    return LeftOut(records=frozenset({RecordKey(table, record)}))


def family(atelier: Atelier) -> tuple[str, str, str]:
    """An account, a contact below it and a role below both, all lost."""
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    role = atelier.make("Role", "Buyer", Account=account, Contact=contact)
    atelier.night()
    atelier.lose("Account", account)
    return account, contact, role


def test_a_table_that_is_left_out_does_not_come_nor_what_only_it_would_bring(
    atelier: Atelier,
) -> None:
    account, contact, role = family(atelier)
    assert actions(planned(atelier, ("Account", account), left_out=tables("Role"))) == {
        account: Action.CREATE,
        contact: Action.CREATE,
    }
    less = planned(atelier, ("Account", account), left_out=tables("Contact", "Role"))
    assert actions(less) == {account: Action.CREATE}
    assert role not in actions(less)


def test_a_single_record_is_left_out(atelier: Atelier) -> None:
    account, contact, role = family(atelier)
    other = atelier.make("Account", "Lindt")
    atelier.night()
    atelier.lose("Account", other)
    asked = [("Account", account), ("Account", other)]
    plan = planned(atelier, *asked, left_out=one("Account", other))
    assert set(actions(plan)) == {account, contact, role}


def test_a_parent_that_is_left_out_is_named_as_missing(atelier: Atelier) -> None:
    account, contact, _ = family(atelier)
    plan = planned(atelier, ("Contact", contact), left_out=tables("Account", "Role"))
    assert actions(plan) == {contact: Action.CREATE}
    assert step_of(plan, contact).edits == {"Account": None}
    assert note_of(plan, "parent-missing").weight is NoteWeight.WARNING
    assert account not in actions(plan)


def test_another_try_does_not_bring_what_was_left_out(atelier: Atelier) -> None:
    account, contact, _ = family(atelier)
    plan = planned(atelier, ("Account", account), left_out=tables("Role"))
    assert not plan.related
    failed = {RecordKey("Account", account), RecordKey("Contact", contact)}
    again = plan_again(plan, failed, atelier.planning(), plan_id="plan-less-try-2")
    assert set(actions(again)) == {account, contact}


def test_with_everything_left_out_there_is_nothing_to_bring_back(atelier: Atelier) -> None:
    account, _, _ = family(atelier)
    with pytest.raises(UsageError) as caught:
        planned(atelier, ("Account", account), left_out=tables("Account"))
    assert caught.value.code == "restore-nothing"
