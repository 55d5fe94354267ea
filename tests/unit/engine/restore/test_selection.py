"""What a person may ask for, and what is refused in words."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from unit.engine.restore.atelier import Atelier, actions, note_of
from unlost.model.errors import NotFound, UnlostError, UsageError
from unlost.model.plan import Action, RecordKey, RestorePlan, Selection, SelectionKind
from unlost.model.runs.progress import Phase
from unlost.model.source.schema import TableTrait
from unlost.testing.org import MemoryOrg
from unlost.testing.source import MemorySource

LOST, CHANGED, RECORDS = SelectionKind.LOST, SelectionKind.CHANGED, SelectionKind.RECORDS


def refused(atelier: Atelier, selection: Selection, *, at: int | None = None) -> UnlostError:
    with pytest.raises(UnlostError) as caught:
        atelier.planned(selection, at=at)
    assert caught.value.next_step
    return caught.value


@pytest.fixture
def nights(atelier: Atelier) -> Atelier:
    """Two backups; an account is lost in between."""
    record = atelier.make("Account", "Zotter", Number="1")
    atelier.make("Account", "Lindt", Number="2")
    atelier.night()
    atelier.lose("Account", record)
    atelier.night()
    return atelier


def test_nothing_chosen_is_refused(nights: Atelier) -> None:
    assert refused(nights, Selection(RECORDS)).code == "restore-nothing"
    found = refused(nights, Selection(LOST, after=1, until=2, table="Contact"))
    assert isinstance(found, UsageError)
    assert found.code == "restore-nothing"


def test_nothing_but_what_never_comes_back_is_refused_by_its_name(nights: Atelier) -> None:
    held = nights.org.tables["Account"]
    held.traits = held.traits | {TableTrait.CONFIGURATION}
    found = refused(nights, Selection(LOST, after=1, until=2))
    assert found.code == "restore-nothing"
    assert "Account" in found.sentence


def test_what_came_and_went_in_a_table_that_never_comes_back_is_no_loss(nights: Atelier) -> None:
    held = nights.org.tables["Memo"]
    held.traits = held.traits | {TableTrait.CONFIGURATION}
    memo = nights.make("Memo", "m")
    nights.night()
    nights.lose("Memo", memo)
    nights.night()
    plan = nights.plan_lost(1, 4)
    assert "table-configuration" not in {note.code for note in plan.notes}


def test_a_chosen_record_that_never_comes_back_is_counted(nights: Atelier) -> None:
    held = nights.org.tables["Memo"]
    held.traits = held.traits | {TableTrait.CONFIGURATION}
    memo, contact = nights.make("Memo", "m"), nights.make("Contact", "c")
    nights.night()
    plan = nights.plan_of(("Memo", memo), ("Contact", contact))
    assert actions(plan) == {contact: Action.UNCHANGED}
    assert note_of(plan, "table-configuration").count == 1


def test_a_million_is_refused_before_it_is_read(nights: Atelier) -> None:
    keys = tuple(RecordKey("Account", str(at)) for at in range(200_001))
    assert refused(nights, Selection(RECORDS, keys)).code == "restore-too-large"


@pytest.mark.parametrize("kind", [LOST, CHANGED])
def test_a_million_between_two_backups_is_not_read_to_the_end(
    nights: Atelier, kind: SelectionKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.engine.restore.planning.selection.MAX_STEPS", 2)
    made = [nights.make("Account", str(at), Number="a") for at in range(8)]
    nights.night()
    for record in made:
        if kind is LOST:
            nights.lose("Account", record)
        else:
            nights.org.update("Account", record, {"Number": "b"})
    nights.night()
    read: list[int] = []
    changes = nights.vault.changes

    def counted(*args: Any, **more: Any) -> Iterator[pa.Table]:
        for found in changes(*args, **more):
            for at in range(found.num_rows):
                read.append(at)
                yield found.slice(at, 1)

    nights.vault.changes = counted
    columns = ("Number",) if kind is CHANGED else ()
    selection = Selection(kind, after=3, until=4, table="Account", columns=columns)
    assert refused(nights, selection).code == "restore-too-large"
    assert len(read) == 3


def test_what_is_related_counts_too(atelier: Atelier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlost.engine.restore.planning.graph.related.MAX_STEPS", 3)
    account = atelier.make("Account", "Zotter")
    for at in range(3):
        atelier.make("Contact", str(at), Account=account)
    atelier.night()
    atelier.lose("Account", account)
    keys = (RecordKey("Account", account),)
    assert refused(atelier, Selection(RECORDS, keys)).code == "restore-too-large"


def test_a_record_that_no_backup_saw(nights: Atelier) -> None:
    for key in (RecordKey("Account", "nobody"), RecordKey("Nothing", "nobody")):
        found = refused(nights, Selection(RECORDS, (key,)))
        assert isinstance(found, NotFound)
        assert found.code == "record-unknown"


def test_a_record_that_was_never_seen_alive(atelier: Atelier) -> None:
    record = atelier.make("Account", "Zotter")
    atelier.org.delete("Account", record)
    atelier.night()
    keys = (RecordKey("Account", record),)
    assert refused(atelier, Selection(RECORDS, keys)).code == "record-unknown"


def test_before_the_first_backup_there_is_nothing_to_choose_from(atelier: Atelier) -> None:
    keys = (RecordKey("Account", "1"),)
    assert refused(atelier, Selection(RECORDS, keys)).code == "no-backup-yet"


@pytest.mark.parametrize(
    ("selection", "code"),
    [
        (Selection(LOST, after=2, until=1), "restore-between"),
        (Selection(LOST, after=1, until=1), "restore-between"),
        (Selection(LOST, after=1), "restore-between"),
        (Selection(LOST, until=2), "restore-between"),
        (Selection(LOST, after=1, until=7), "snapshot-unknown"),
        (Selection(LOST, after=1, until=2, table="Nothing"), "table-unknown"),
        (Selection(CHANGED, after=1, until=2, columns=("Name",)), "restore-column"),
        (Selection(CHANGED, after=1, until=2, table="Account"), "restore-column"),
        (
            Selection(CHANGED, after=1, until=2, table="Account", columns=("Nothing",)),
            "restore-column",
        ),
        (
            Selection(CHANGED, after=1, until=2, table="Account", columns=("Id",)),
            "restore-column-fixed",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(nights: Atelier, selection: Selection, code: str) -> None:
    with pytest.raises(UnlostError) as caught:
        nights.planned(selection)
    assert caught.value.code == code


def test_a_state_cannot_be_named_twice(nights: Atelier) -> None:
    for kind in (LOST, CHANGED):
        assert refused(nights, Selection(kind, after=1, until=2), at=1).code == "restore-at"


def test_a_record_named_twice_is_planned_once(nights: Atelier) -> None:
    (lost,) = actions(nights.plan_lost(1, 2))
    plan = nights.plan_of(("Account", lost), ("Account", lost))
    assert len(plan.steps) == 1


def test_another_org_is_refused(nights: Atelier) -> None:
    (lost,) = actions(nights.plan_lost(1, 2))
    selection = Selection(RECORDS, (RecordKey("Account", lost),))
    right = nights.source
    nights.source = MemorySource(MemoryOrg(nights.clock, tenant="T-2"))
    assert refused(nights, selection).code == "other-org"
    nights.source = right
    nights.writer.org = MemoryOrg(nights.clock, tenant="T-2")
    assert refused(nights, selection).code == "other-org"


def test_an_org_that_the_vault_does_not_know_is_refused(nights: Atelier) -> None:
    nights.oid = "unknown"
    assert refused(nights, Selection(RECORDS)).code == "other-org"


def test_planning_writes_nothing_and_tells_how_it_gets_on(nights: Atelier) -> None:
    nights.observer.events.clear()
    (lost,) = actions(nights.plan_lost(1, 2))
    assert nights.writes() == []
    phases = {event.phase for event in nights.observer.events}
    assert phases == {Phase.DISCOVER, Phase.READ}
    assert lost


def test_the_same_question_has_the_same_answer(nights: Atelier) -> None:
    def asked() -> RestorePlan:
        return replace(nights.plan_lost(1, 2), id="", digest="")

    assert asked() == asked()
