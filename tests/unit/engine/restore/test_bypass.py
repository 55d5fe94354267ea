"""A bypass of the org's automation: on while a run writes, and as it was afterwards, come what may."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unit.engine.restore.atelier import Atelier, codes, note_of
from unlost.engine.restore.journal.entries import BypassNoted, BypassSwitched, decode
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.planning.notes import automation
from unlost.engine.restore.planning.notes.automation import (
    BYPASS_IMPOSSIBLE,
    BYPASS_ON,
    MANAGED,
    NO_BYPASS,
    UNLISTED,
)
from unlost.engine.restore.planning.notes.note_order import Consequence, consequence
from unlost.engine.restore.planning.plan import PlanPorts
from unlost.engine.restore.planning.shown.summary import summary
from unlost.engine.restore.running.execute import open_run, run_of
from unlost.engine.restore.running.passes.bypass import switch_off
from unlost.engine.restore.values.outcome import ParkedRestore, RestoreOutcome
from unlost.engine.restore.values.plan_file import read_plan, write_plan
from unlost.model.bypass import Automation, AutomationKind, Bypass, BypassState
from unlost.model.errors import Conflict, LimitReached, NotAllowed, TransientError, UsageError
from unlost.model.plan import Action, NoteWeight, RestorePlan
from unlost.testing.faults import Crash, CrashPoint
from unlost.testing.memory_writer import MemoryWriter

FLAG = Bypass("flag", "No_Automation")
OFF, ON = BypassState(on=False), BypassState(on=True, stored=True)
CALLS = 400  # with room to spare; the sweep fails if a run outgrows it


class GuardedWriter(MemoryWriter):
    """Refuses to write while the bypass is off, as the automation of a strict org would."""

    def write(self, *args: Any, **options: Any) -> Any:
        assert self.bypasses[FLAG].on, "automation acts on this record"
        return super().write(*args, **options)


class Guarded(Atelier):
    """An org whose admin named a bypass; a customer with a contact is lost, another one changed."""

    bypass: Bypass | None = FLAG

    def __init__(self, work: Path, **options: Any) -> None:
        super().__init__(work, **options)
        self.writer = GuardedWriter(self.platform)
        self.writer.bypasses[FLAG] = OFF

    def planning(self) -> PlanPorts:
        return replace(super().planning(), bypass=self.bypass)

    def lose_customer(self) -> str:
        candy = self.make("Account", "Candy", Number="1")
        self.make("Contact", "Ann", Account=candy)
        self.night()
        self.lose("Account", candy)
        self.night()
        return candy

    def lost(self) -> RestorePlan:
        return self.plan_of(("Account", self.lose_customer()))

    def log(self, plan: RestorePlan) -> RestoreLog:
        return RestoreLog(self.vault.journal(self.oid, run_of(plan)))

    def entries(self, plan: RestorePlan) -> list[Any]:
        """The entries of the journal about the bypass."""
        journal = self.vault.journal(self.oid, run_of(plan))
        entries = [entry for payload in journal.read() for entry in decode(payload)]
        return [one for one in entries if isinstance(one, BypassNoted | BypassSwitched)]

    def switches(self) -> list[int]:
        """The calls that switch, in order: 1 is on."""
        return [call[2] for call in self.writer.calls if call[0] == "set_bypass"]

    @property
    def state(self) -> BypassState:
        state: BypassState = self.writer.bypasses[FLAG]
        return state


@pytest.fixture
def org(tmp_path: Path) -> Guarded:
    return Guarded(tmp_path)


# --- plans ----------------------------------------------------------------------------------------


def test_the_plan_says_which_bypass_will_be_on(org: Guarded) -> None:
    plan = org.lost()
    assert plan.bypass == FLAG
    assert summary(plan).bypass == "flag No_Automation"
    note = note_of(plan, BYPASS_ON)
    assert note.weight is NoteWeight.NOTE
    assert "The bypass flag No_Automation is switched on for the write user" in note.sentence
    assert read_plan(write_plan(plan)) == plan
    assert org.switches() == [], "a plan switches nothing"


def test_without_a_bypass_a_plan_over_quiet_tables_reads_as_before(org: Guarded) -> None:
    org.bypass = None
    plan = org.lost()
    assert (plan.bypass, summary(plan).bypass) == (None, "")
    assert b"bypass" not in write_plan(plan)
    assert not [call for call in org.writer.calls if call[0] == "bypass"]
    assert [call for call in org.writer.calls if call[0] == "automation"] == [("automation", "", 2)]


def test_automation_is_named_without_a_bypass_too(
    org: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automation, "NAMED", 2)
    org.bypass = None
    kinds = AutomationKind
    org.writer.automations = (
        *(Automation(kinds.TRIGGER, name, "Account") for name in ("C", "A", "B")),
        Automation(kinds.WORKFLOW, "Mail owner", "Account"),
        Automation(kinds.PROCESS, "Old_Process", "Contact"),
        Automation(kinds.PROCESS, "Somewhere", ""),
        Automation(kinds.FLOW, "vendor__Sync", "Account", managed=True),
    )
    org.writer.unlisted = (kinds.RULE,)
    plan = org.lost()
    sentences = {note.sentence for note in plan.notes if note.code.startswith("automation-")}
    assert sentences == {
        "Active triggers of Account (3): A, B and 1 more.",
        "Active workflow rules of Account (1): Mail owner.",
        "Active processes of Process Builder for Contact (1): Old_Process.",
        "Active automation for which the org names no table (1): Somewhere.",
        "Automation of installed packages acts on Account and cannot be switched off: vendor__Sync.",
        "The validation rules of the org could not be listed.",
    }
    assert "no bypass is set" in note_of(plan, NO_BYPASS).sentence
    named = [note for note in plan.notes if note.code.startswith(("automation-", "bypass-"))]
    assert {note.weight for note in named} == {NoteWeight.NOTE}, "consoles fold them away"


def test_an_undo_names_automation_without_a_bypass(org: Guarded) -> None:
    plan = org.lost()
    org.restore(plan)
    org.night()
    org.bypass = None
    org.writer.automations = (Automation(AutomationKind.FLOW, "Greet", "Account"),)
    assert "Greet" in note_of(org.undo(run_of(plan)), "automation-flow").sentence


def test_a_plan_that_writes_nothing_needs_no_bypass(org: Guarded) -> None:
    same = org.make("Account", "Same")
    org.night()
    plan = org.plan_of(("Account", same))
    assert {step.action for step in plan.steps} == {Action.UNCHANGED}
    assert (plan.bypass, BYPASS_ON in codes(plan)) == (None, False)


def test_a_bypass_that_is_on_already_is_named_as_such(org: Guarded) -> None:
    org.writer.bypasses[FLAG] = ON
    assert (
        "is on for the write user already, and stays on" in note_of(org.lost(), BYPASS_ON).sentence
    )


def test_a_bypass_that_cannot_be_switched_on_stands_first(org: Guarded) -> None:
    refusal = NotAllowed("bypass-refused", "The user may not.", next_step="Let the user.")
    org.writer.faults.plant("check_bypass", refusal)
    plan = org.lost()
    note = note_of(plan, BYPASS_IMPOSSIBLE)
    assert (note.next_step, consequence(note)) == ("Let the user.", Consequence.REFUSAL)
    assert "This plan will not run" in note.sentence
    assert "The user may not." in note.sentence


def test_a_bypass_whose_state_may_not_be_read_does_not_stop_the_planning(org: Guarded) -> None:
    refusal = NotAllowed("bypass-refused", "Salesforce does not let the user read it.")
    org.writer.faults.plant("bypass", refusal)
    note = note_of(org.lost(), BYPASS_IMPOSSIBLE)
    assert "This plan will not run" in note.sentence
    assert "does not let the user read it" in note.sentence


def test_automation_that_acts_is_named(org: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automation, "NAMED", 2)
    trigger, rule = AutomationKind.TRIGGER, AutomationKind.RULE
    org.writer.automations = (
        *(Automation(trigger, name, "Account") for name in ("C", "A", "B")),
        Automation(rule, "Phone", "Account"),
        Automation(trigger, "vendor__Sync", "Account", managed=True),
        Automation(trigger, "Elsewhere", "Memo"),
    )
    org.writer.unlisted = (AutomationKind.FLOW,)
    plan = org.lost()
    triggers = note_of(plan, "automation-trigger").sentence
    assert triggers == (
        "Triggers of Account that run unless they check the bypass (3): A, B and 1 more."
    )
    assert "Phone" in note_of(plan, "automation-rule").sentence
    managed = note_of(plan, MANAGED)
    assert "cannot be switched off: vendor__Sync." in managed.sentence
    assert consequence(managed) is Consequence.SIDE_EFFECT
    assert note_of(plan, UNLISTED).sentence == "The flows of the org could not be listed."
    assert "Elsewhere" not in str(plan.notes)


# --- runs -----------------------------------------------------------------------------------------


def test_it_is_on_while_the_run_writes_and_off_afterwards(org: Guarded) -> None:
    plan = org.lost()
    assert org.restore(plan).whole
    assert (org.state, org.switches()) == (OFF, [1, 0])
    noted, on, off = org.entries(plan)
    assert (noted.bypass, noted.before) == (FLAG, OFF)
    assert (on.state, off.state) == (ON, OFF)
    assert org.log(plan).state.bypass is None
    org.restore(plan)
    assert org.switches() == [1, 0], "a finished run switches nothing"


def test_an_undo_and_a_retry_have_it_too(org: Guarded) -> None:
    plan = org.lost()
    org.restore(plan)
    org.night()
    undo = org.undo(run_of(plan))
    assert undo.bypass == FLAG
    assert BYPASS_ON in codes(undo)
    assert org.restore(undo).whole
    assert (org.state, org.switches()) == (OFF, [1, 0, 1, 0])


def test_an_entry_that_was_there_stays_there(org: Guarded) -> None:
    before = BypassState(on=False, stored=True)
    org.writer.bypasses[FLAG] = before
    org.restore(org.lost())
    assert org.state == before


def test_a_bypass_that_was_on_before_stays_on(org: Guarded) -> None:
    org.writer.bypasses[FLAG] = ON
    plan = org.lost()
    org.restore(plan)
    assert (org.state, org.switches()) == (ON, [])
    (noted,) = org.entries(plan)
    assert noted.before == ON


def test_a_run_whose_bypass_cannot_be_switched_on_does_not_begin(org: Guarded) -> None:
    plan = org.lost()
    org.writer.faults.plant("set_bypass", NotAllowed("bypass-refused", "The user may not."))
    with pytest.raises(NotAllowed, match="may not"):
        org.try_restore(plan)
    assert org.live("Contact") == {}
    assert org.log(plan).state.calls == 0
    assert org.restore(plan).whole, "after the right was granted"


def test_a_bypass_that_the_org_no_longer_has_stops_the_run(org: Guarded) -> None:
    plan = org.lost()
    org.writer.bypasses.clear()
    with pytest.raises(UsageError, match="has no flag No_Automation"):
        org.try_restore(plan)
    assert org.live("Contact") == {}


def test_a_bypass_that_does_not_stay_on_stops_the_run(org: Guarded) -> None:
    plan = org.lost()
    org.writer.set_bypass = lambda *_, **__: None
    with pytest.raises(Conflict, match="still reports that it is off") as caught:
        org.try_restore(plan)
    assert caught.value.code == "bypass-not-on"
    assert org.live("Contact") == {}


@pytest.mark.parametrize("fault", ["set_bypass", "bypass_set"])
def test_a_lost_answer_is_resolved_by_reading(org: Guarded, fault: str) -> None:
    plan = org.lost()
    org.writer.faults.plant(fault, TransientError("lost", "No answer."))
    if fault == "set_bypass":
        with pytest.raises(TransientError):
            org.try_restore(plan)
    assert org.restore(plan).whole
    assert org.state == OFF


def test_a_run_does_not_close_while_the_bypass_is_on(org: Guarded) -> None:
    plan = org.lost()
    org.writer.faults.plant(
        "set_bypass", NotAllowed("bypass-refused", "The user may not."), after=1
    )
    with pytest.raises(Conflict) as caught:
        org.try_restore(plan)
    assert caught.value.code == "bypass-still-on"
    assert "could not be switched off: The user may not." in caught.value.sentence
    assert "unlost restore resume RUN" in caught.value.next_step
    log = org.log(plan)
    assert (log.state.closed, org.state) == (None, ON)
    assert org.restore(plan).whole
    assert org.state == OFF


def test_a_bypass_that_stays_on_is_reported(org: Guarded) -> None:
    plan = org.lost()
    switch = org.writer.set_bypass
    org.writer.set_bypass = lambda bypass, _, *, user: switch(bypass, ON, user=user)
    with pytest.raises(Conflict, match="still reports that it is on"):
        org.try_restore(plan)
    org.writer.set_bypass = switch
    assert org.restore(plan).whole


def test_an_admin_who_switched_it_off_meanwhile_is_fine(org: Guarded) -> None:
    plan = org.lost()
    after = org.writer.write

    def write(*args: Any, **options: Any) -> Any:
        outcomes = after(*args, **options)
        if args[1].name == "Contact":
            org.writer.bypasses[FLAG] = OFF
        return outcomes

    org.writer.write = write
    assert org.restore(plan).whole
    assert (org.state, org.switches()) == (OFF, [1])


def test_a_row_that_the_run_created_does_not_stay_after_a_person_unticked_it(org: Guarded) -> None:
    plan = parked(org)
    org.writer.bypasses[FLAG] = BypassState(on=False, stored=True)
    switch_off(org.log(plan), org.writer)
    assert org.state == OFF


def test_a_row_whose_removal_had_no_answer_is_removed_later(org: Guarded) -> None:
    plan = parked(org)
    org.writer.bypasses[FLAG] = BypassState(on=False, stored=True)
    org.writer.faults.plant("set_bypass", TransientError("lost", "No answer."))
    with pytest.raises(Conflict):
        switch_off(org.log(plan), org.writer)
    switch_off(org.log(plan), org.writer)
    assert org.state == OFF


# --- stops ----------------------------------------------------------------------------------------


def parked(org: Guarded) -> RestorePlan:
    """A plan whose run parks after its first call."""
    plan = org.lost()
    spent = LimitReached("calls-spent", "No calls are left today.")
    org.writer.faults.plant("write", spent, table="Contact")
    assert isinstance(org.try_restore(plan), ParkedRestore)
    return plan


def test_the_journal_of_a_stopped_run_knows_how_to_switch_it_off(org: Guarded) -> None:
    plan = parked(org)
    log = org.log(plan)
    assert log.state.bypass is not None
    assert org.state == ON
    switch_off(log, org.writer)
    assert (org.state, org.log(plan).state.bypass) == (OFF, None)
    switch_off(org.log(plan), org.writer)
    assert org.switches() == [1, 0], "there is nothing left to switch off"
    assert org.restore(plan).whole
    assert (org.state, org.switches()) == (OFF, [1, 0, 1, 0])


def test_a_resumed_run_finds_it_on(org: Guarded) -> None:
    plan = parked(org)
    assert org.restore(plan).whole
    assert (org.state, org.switches()) == (OFF, [1, 0])
    assert [one.before for one in org.entries(plan) if isinstance(one, BypassNoted)] == [OFF]


def test_a_limit_while_switching_off_parks_the_run(org: Guarded) -> None:
    plan = org.lost()
    spent = LimitReached("calls-spent", "No calls are left today.")
    org.writer.faults.plant("set_bypass", spent, after=1)
    assert isinstance(org.try_restore(plan), ParkedRestore)
    assert org.log(plan).state.bypass is not None
    assert org.restore(plan).whole
    assert org.state == OFF


def test_a_plan_that_is_announced_switches_nothing(org: Guarded) -> None:
    plan = org.lost()
    assert not open_run(plan, org.restore_ports())
    assert org.switches() == []
    assert org.restore(plan).whole


# --- another write user ---------------------------------------------------------------------------


def replace_user(org: Guarded) -> MemoryWriter:
    """The org gets another write user, for whom the bypass is off; the writer of the first one."""
    first = org.writer
    org.writer = GuardedWriter(org.platform, user="second")
    org.writer.bypasses[FLAG] = OFF
    org.writer.other_bypasses[first.user] = first.bypasses
    return first


def test_after_the_write_user_is_replaced_the_bypass_is_switched_off_for_the_first(
    org: Guarded,
) -> None:
    plan = parked(org)
    first = replace_user(org)
    switch_off(org.log(plan), org.writer)
    assert (first.bypasses[FLAG], org.state) == (OFF, OFF)
    assert org.log(plan).state.bypass is None


def test_a_run_that_a_second_write_user_resumes_leaves_it_off_for_both(org: Guarded) -> None:
    plan = parked(org)
    first = replace_user(org)
    assert org.restore(plan).whole
    assert (first.bypasses[FLAG], org.state) == (OFF, OFF)
    noted = [entry for entry in org.entries(plan) if isinstance(entry, BypassNoted)]
    assert [entry.user for entry in noted] == ["restorer", "second"]


def test_a_bypass_that_stays_on_for_the_first_user_is_not_reported_as_off(org: Guarded) -> None:
    plan = parked(org)
    first = replace_user(org)
    refusal = NotAllowed("bypass-refused", "The user may not.")
    org.writer.faults.plant("set_bypass", refusal, times=2)
    with pytest.raises(Conflict) as caught:
        switch_off(org.log(plan), org.writer)
    assert caught.value.code == "bypass-still-on"
    assert "for the user restorer" in caught.value.next_step
    with pytest.raises(Conflict):
        org.try_restore(plan)
    assert (first.bypasses[FLAG], org.state) == (ON, OFF)
    assert org.log(plan).state.bypass is not None


def test_a_journal_without_a_user_means_the_write_user(org: Guarded) -> None:
    plan = parked(org)
    log = org.log(plan)
    log.write(BypassNoted(FLAG, OFF, org.clock.now()))
    assert org.restore(plan).whole
    assert org.state == OFF


# --- crashes --------------------------------------------------------------------------------------


def crash(org: Guarded, plan: RestorePlan, point: CrashPoint) -> bool:
    """Run with a crash at a call to the org or the store; false if the run ended before it."""
    writer = org.writer
    org.writer = point.guard(writer, after=True)
    org.reopen(point.guard(org.store, after=True, only={"put_new", "put_stream", "delete"}))
    try:
        org.restore(plan)
    except Crash:
        return True
    finally:
        org.writer = writer
        org.reopen()
    return False


def resumed(org: Guarded, plan: RestorePlan) -> None:
    """The run is called again."""
    outcome: RestoreOutcome = org.restore(plan)
    assert outcome.whole


def abandoned(org: Guarded, plan: RestorePlan) -> None:
    """The run never goes on; another process finds its journal."""
    log = org.log(plan)
    if log.state.opened is not None:
        switch_off(log, org.writer)


@pytest.mark.parametrize(
    "before",
    [
        OFF,
        pytest.param(BypassState(on=False, stored=True), marks=pytest.mark.deep),
        pytest.param(ON, marks=pytest.mark.full),
    ],
    ids=str,
)
@pytest.mark.parametrize("afterwards", [pytest.param(resumed, marks=pytest.mark.full), abandoned])
def test_after_a_crash_at_any_call_automation_is_as_it_was(
    tmp_path: Path, before: BypassState, afterwards: Callable[[Guarded, RestorePlan], None]
) -> None:
    lead = Guarded(tmp_path / "lead")
    customer, crashes = lead.lose_customer(), 0
    for at in range(1, CALLS):
        org = lead.copied(tmp_path / str(at))
        org.writer.bypasses[FLAG] = before
        plan = org.plan_of(("Account", customer))
        if not crash(org, plan, CrashPoint(at)):
            break
        crashes += 1
        afterwards(org, plan)
        assert org.state == before, f"call {at}"
    assert 20 < crashes < CALLS - 1
