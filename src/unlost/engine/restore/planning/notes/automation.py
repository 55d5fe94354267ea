"""The bypass of a plan, and notes about automation that runs while its records are written.

Every plan that writes names the active automation of its tables, since Unlost can switch none of it
off. With a bypass, the notes say that automation which does not check it acts. See docs/adr/0047.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from unlost.engine.restore.planning.notes.predict import NoteText
from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.model.bypass import Automation, AutomationKind, Bypass
from unlost.model.errors import NotAllowed, UsageError
from unlost.model.message import Message, message
from unlost.model.plan import Action, NoteWeight, PlanNote, PlanStep

BYPASS_ON = "bypass-on"
BYPASS_IMPOSSIBLE = "bypass-impossible"
NO_BYPASS = "bypass-none"
MANAGED = "automation-managed"
UNLISTED = "automation-unlisted"
NO_TABLE = "automation-no-table"
NAMED = 10  # automations that a note names
STAYS = (Action.UNCHANGED, Action.SKIP)

SEE_AUTOMATION = "Give the write user the right to see the automation of the org, then plan again."
NOTE = NoteWeight.NOTE
ACTING = {
    AutomationKind.TRIGGER: NoteText(NOTE, "Active triggers of {table} ({number}): {names}."),
    AutomationKind.FLOW: NoteText(NOTE, "Active flows of {table} ({number}): {names}."),
    AutomationKind.RULE: NoteText(NOTE, "Active validation rules of {table} ({number}): {names}."),
    AutomationKind.WORKFLOW: NoteText(
        NOTE, "Active workflow rules of {table} ({number}): {names}."
    ),
    AutomationKind.PROCESS: NoteText(
        NOTE, "Active processes of Process Builder for {table} ({number}): {names}."
    ),
}
BYPASSED = {
    AutomationKind.TRIGGER: NoteText(
        NOTE, "Triggers of {table} that run unless they check the bypass ({number}): {names}."
    ),
    AutomationKind.FLOW: NoteText(
        NOTE, "Flows of {table} that run unless they check the bypass ({number}): {names}."
    ),
    AutomationKind.RULE: NoteText(
        NOTE,
        "Validation rules of {table} that apply unless they check the bypass ({number}): {names}.",
    ),
    AutomationKind.WORKFLOW: NoteText(
        NOTE, "Workflow rules of {table} that act unless they check the bypass ({number}): {names}."
    ),
    AutomationKind.PROCESS: NoteText(
        NOTE,
        "Processes of Process Builder for {table} that run unless they check the bypass ({number}): "
        "{names}.",
    ),
}
# Without a bypass the admin did not decide that automation matters: these notes only inform then.
WARNING = NoteWeight.WARNING
CANNOT_LIST = {
    AutomationKind.TRIGGER: NoteText(
        WARNING, "The triggers of the org could not be listed.", SEE_AUTOMATION
    ),
    AutomationKind.FLOW: NoteText(
        WARNING, "The flows of the org could not be listed.", SEE_AUTOMATION
    ),
    AutomationKind.RULE: NoteText(
        WARNING, "The validation rules of the org could not be listed.", SEE_AUTOMATION
    ),
    AutomationKind.WORKFLOW: NoteText(
        WARNING, "The workflow rules of the org could not be listed.", SEE_AUTOMATION
    ),
    AutomationKind.PROCESS: NoteText(
        WARNING, "The processes of Process Builder could not be listed.", SEE_AUTOMATION
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
    if not tables:
        return
    weight = NOTE if bypass is None else WARNING
    listed = survey.ports.writer.automation([survey.table(name) for name in sorted(tables)])
    if bypass is not None:
        yield _bypass_note(survey, bypass)
    elif listed.items:
        yield _no_bypass_note()
    yield from _unmanaged_notes(listed.items, ACTING if bypass is None else BYPASSED)
    yield from _managed_notes(listed.items, weight)
    yield from _notes_without_table(listed.items)
    for kind in listed.unlisted:
        words = CANNOT_LIST[kind]
        yield PlanNote.of(UNLISTED, weight, words.template, words.next_step)


def _no_bypass_note() -> PlanNote:
    return PlanNote.of(
        NO_BYPASS,
        NoteWeight.NOTE,
        "The automation of the org acts on the records that are written, and Unlost cannot switch it "
        "off: no bypass is set.",
        "If the automation of the org checks a bypass, name it with `unlost org bypass`.",
    )


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


def _unmanaged_notes(
    items: Sequence[Automation], texts: Mapping[AutomationKind, NoteText]
) -> Iterator[PlanNote]:
    names: dict[tuple[str, AutomationKind], list[str]] = defaultdict(list)
    for item in items:
        if item.table and not item.managed:
            names[item.table, item.kind].append(item.name)
    for (table, kind), some in sorted(names.items()):
        words = texts[kind]
        yield PlanNote.of(
            f"automation-{kind.value}",
            words.weight,
            words.template,
            words.next_step,
            table,
            number=len(some),
            names=_named(sorted(some)),
        )


def _managed_notes(items: Sequence[Automation], weight: NoteWeight) -> Iterator[PlanNote]:
    names: dict[str, list[str]] = defaultdict(list)
    for item in items:
        if item.table and item.managed:
            names[item.table].append(item.name)
    for table, some in sorted(names.items()):
        yield PlanNote.of(
            MANAGED,
            weight,
            "Automation of installed packages acts on {table} and cannot be switched off: {names}.",
            "Ask the vendor of the package for its own switch, if these effects matter.",
            table,
            names=_named(sorted(some)),
        )


def _notes_without_table(items: Sequence[Automation]) -> Iterator[PlanNote]:
    names = sorted(item.name for item in items if not item.table)
    if names:
        yield PlanNote.of(
            NO_TABLE,
            NoteWeight.NOTE,
            "Active automation for which the org names no table ({number}): {names}.",
            number=len(names),
            names=_named(names),
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
