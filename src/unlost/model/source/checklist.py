"""The checklist of an org's setup: what to do in the org, and what is still missing."""

from dataclasses import dataclass
from enum import StrEnum

from unlost.model.message import Message


class CheckState(StrEnum):
    """The result of a step, as the org shows it now."""

    DONE = "done"
    MISSING = "missing"
    UNKNOWN = "unknown"  # the org does not report it


@dataclass(frozen=True, slots=True)
class ChecklistStep:
    """A step of the setup. All texts are in English, and templates of translations.

    ``how``: what to click. ``why``: what goes wrong without it. ``seen``: what the org showed.
    """

    name: str
    title: str
    how: str
    why: str
    state: CheckState = CheckState.UNKNOWN
    seen: Message | None = None
