"""The automation of an org while records are written: what runs, and the switch that holds it back.

No system of ours can switch the automation of an org off from outside. But many orgs have their
own switch, which their automation checks before it acts: a bypass. An admin names it, and a run
switches it on for the write user. See docs/adr/0047.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Bypass:
    """A switch that an org's own automation checks. ``kind``: one of the connector's kinds.

    ``name``: its name in the org.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class BypassKind:
    """A kind of bypass that orgs of a connector can have.

    ``kind`` is its name in commands; ``label`` and ``hint`` are for people, the hint about the form
    of the name.
    """

    kind: str
    label: str
    hint: str


@dataclass(frozen=True, slots=True)
class BypassState:
    """The state of a bypass for one user. ``on``: automation that checks it holds back.

    ``stored``: the org has an entry about this user, which stays when it is switched off.
    """

    on: bool
    stored: bool = False


class AutomationKind(StrEnum):
    """A kind of automation that acts when a record is written."""

    TRIGGER = "trigger"  # code
    FLOW = "flow"  # a process that people put together
    RULE = "rule"  # a check that refuses values
    WORKFLOW = "workflow"  # an older rule: it updates values and sends mails
    PROCESS = "process"  # an older flow, which another builder made


@dataclass(frozen=True, slots=True)
class Automation:
    """An active automation of a table. ``managed``: it belongs to an installed package."""

    kind: AutomationKind
    name: str
    table: str
    managed: bool = False


@dataclass(frozen=True, slots=True)
class AutomationList:
    """The active automation of some tables; ``unlisted`` kinds could not be listed."""

    items: tuple[Automation, ...] = ()
    unlisted: tuple[AutomationKind, ...] = ()
