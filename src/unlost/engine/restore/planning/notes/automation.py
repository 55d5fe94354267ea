"""The bypass of a plan, and notes about automation that runs while its records are written.

Only an org with a bypass has these notes: the admin chose to hold automation back, so the plan names
what still acts. See docs/adr/0047.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from unlost.engine.restore.planning.notes.predict import NoteText
from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.model.bypass import Automation, AutomationKind, Bypass
from unlost.model.errors import NotAllowed, UsageError
from unlost.model.message import Message, message
from unlost.model.plan import Action, NoteWeight, PlanNote, PlanStep

BYPASS_ON = "bypass-on"
BYPASS_IMPOSSIBLE = "bypass-impossible"
MANAGED = "automation-managed"
UNLISTED = "automation-unlisted"
NAMED = 10  # automations that a note names
STAYS = (Action.UNCHANGED, Action.SKIP)

SEE_AUTOMATION = "Give the write user the right to see the automation of the org, then plan again."
NOTES_BY_KIND = {
    AutomationKind.TRIGGER: NoteText(
        NoteWeight.NOTE,
        "Triggers of {table} that run unless they check the bypass: {names}.",
    ),
    AutomationKind.FLOW: NoteText(
        NoteWeight.NOTE,
        "Flows of {table} that run unless they check the bypass: {names}.",
    ),
    AutomationKind.RULE: NoteText(
        NoteWeight.NOTE,
        "Validation rules of {table} that apply unless they check the bypass: {names}.",
    ),
}
CANNOT_LIST = {
    AutomationKind.TRIGGER: NoteText(
        NoteWeight.WARNING, "The triggers of the org could not be listed.", SEE_AUTOMATION
    ),
    AutomationKind.FLOW: NoteText(
        NoteWeight.WARNING, "The flows of the org could not be listed.", SEE_AUTOMATION
    ),
    AutomationKind.RULE: NoteText(
        NoteWeight.WARNING, "The validation rules of the org could not be listed.", SEE_AUTOMATION
    ),
}


def needed_bypass(survey: RestoreSurvey, steps: Sequence[PlanStep]) -> Bypass | None:
    """The bypass that the run of these steps needs; None if it writes nothing."""
    return survey.ports.bypass if _written(steps) else None


def automation_notes(
    survey: RestoreSurvey, steps: Sequence[PlanStep], *, besides: Collection[str] = ()
) -> Iterator[PlanNote]:
    """Notes about the org's bypass and the automation of the tables that are written.

    ``besides``: tables that are written although no step names them.
    """
    tables, bypass = {*_written(steps), *besides}, survey.ports.bypass
    if bypass is None or not tables:
        return
    yield _bypass_note(survey, bypass)
    listed = survey.ports.writer.automation([survey.table(name) for name in sorted(tables)])
    yield from _unmanaged_notes(listed.items)
    yield from _managed_notes(listed.items)
    for kind in listed.unlisted:
        words = CANNOT_LIST[kind]
        yield PlanNote.of(UNLISTED, words.weight, words.template, words.next_step)


def _written(steps: Sequence[PlanStep]) -> Collection[str]:
    return {step.table for step in steps if step.action not in STAYS}


def _bypass_note(survey: RestoreSurvey, bypass: Bypass) -> PlanNote:
    try:
        state = survey.ports.writer.bypass(bypass)
        if not state.on:
            survey.ports.writer.check_bypass(bypass)
    except (NotAllowed, UsageError) as error:
        return PlanNote.of(
            BYPASS_IMPOSSIBLE,
            NoteWeight.WARNING,
            "This plan will not run: the bypass {bypass} cannot be switched on. {why}",
            "{step}",
            bypass=str(bypass),
            why=error.message,
            step=error.message.step,
        )
    if state.on:
        return PlanNote.of(
            BYPASS_ON,
            NoteWeight.NOTE,
            "The bypass {bypass} is on for the write user already, and stays on. Automation that does "
            "not check it acts as usual. So do required values, unique values and other rules that "
            "have no bypass.",
            bypass=str(bypass),
        )
    return PlanNote.of(
        BYPASS_ON,
        NoteWeight.NOTE,
        "The bypass {bypass} is switched on for the write user during the run, and off afterwards. "
        "Automation that does not check it acts as usual. So do required values, unique values and "
        "other rules that have no bypass.",
        bypass=str(bypass),
    )


def _unmanaged_notes(items: Sequence[Automation]) -> Iterator[PlanNote]:
    names: dict[tuple[str, AutomationKind], list[str]] = defaultdict(list)
    for item in items:
        if not item.managed:
            names[item.table, item.kind].append(item.name)
    for (table, kind), some in sorted(names.items()):
        code, words = f"automation-{kind.value}", NOTES_BY_KIND[kind]
        yield PlanNote.of(code, words.weight, words.template, "", table, names=_named(sorted(some)))


def _managed_notes(items: Sequence[Automation]) -> Iterator[PlanNote]:
    names: dict[str, list[str]] = defaultdict(list)
    for item in items:
        if item.managed:
            names[item.table].append(item.name)
    for table, some in sorted(names.items()):
        yield PlanNote.of(
            MANAGED,
            NoteWeight.WARNING,
            "Automation of installed packages acts on {table} and cannot be switched off: {names}.",
            "Ask the vendor of the package for its own switch, if these effects matter.",
            table,
            names=_named(sorted(some)),
        )


def _named(names: Sequence[str]) -> str | Message:
    if len(names) <= NAMED:
        return ", ".join(names)
    return message(
        "",
        "{columns} and {more} more",
        columns=", ".join(names[:NAMED]),
        more=len(names) - NAMED,
    )
