"""Enums whose values are stored outside documents: in columns, in names and in keys."""

from collections.abc import Iterator
from enum import Enum

from pins.shapes import enum_values
from unlost.app.people.sign_ins import SignInAct, SignInRefusal
from unlost.catalog.people.people import Theme
from unlost.catalog.people.sso import SsoProtocol
from unlost.catalog.runs.plans import PlanState
from unlost.catalog.runs.runs import RunState
from unlost.connectors.salesforce.reading.work import TaskKind
from unlost.connectors.salesforce.schema.special import ReadStrategy
from unlost.engine.backup.missing.deletes import DeleteVerdict
from unlost.engine.backup.missing.lookup import LookupReason
from unlost.model.access import ActorKind, Right, Role, Trace
from unlost.model.alert import AlertRule, ChannelKind, NotificationKind, Urgency
from unlost.model.org import OrgKind
from unlost.model.runs.jobs import JobKind, RunCommand
from unlost.model.runs.night import NightState
from unlost.model.runs.progress import Phase
from unlost.model.saved_policy import ArchiveNightState, Weekday
from unlost.model.source.reading import Op
from unlost.model.vault.retention import HoldScope
from unlost.model.vault.snapshot import CommitKind, VerifyLevel, Visibility
from unlost.outside.formats import ExportFormat
from unlost.vault.format.blobs import Encoding
from unlost.vault.format.sealed import ObjectKind

ENUMS: dict[str, type[Enum]] = {
    # Columns of the catalogue and of the job store.
    "state of a run": RunState,
    "state of a night": NightState,
    "state of a kept plan": PlanState,
    "state of a night of an archive policy": ArchiveNightState,
    "day of a schedule of archives": Weekday,
    "kind of a run, and of a commit": CommitKind,
    "wish of a run": RunCommand,
    "phase of a table in a run": Phase,
    "level of a verification": VerifyLevel,
    "kind of an org": OrgKind,
    "rule of an alert": AlertRule,
    "urgency of an alert": Urgency,
    "event of a message": NotificationKind,
    "kind of a channel": ChannelKind,
    "kind of a provider": SsoProtocol,
    "role of a person or token": Role,
    "theme of a person": Theme,
    "kind of an actor in the audit": ActorKind,
    "trace in the audit": Trace,
    "sign-in in the audit": SignInAct,
    "refused sign-in in the audit": SignInRefusal,
    "right of an action": Right,
    # Names and keys.
    "kind of a job, and how its name begins": JobKind,
    "kind of a task of Salesforce": TaskKind,
    "strategy of a table of Salesforce": ReadStrategy,
    "step that looks up records": LookupReason,
    "step that tells what became of records": DeleteVerdict,
    # The vault.
    "op of a row": Op,
    "scope of a hold": HoldScope,
    "visibility of a mark": Visibility,
    "encoding of a blob": Encoding,
    "kind of an object, part of its key": ObjectKind,
    "format of an export": ExportFormat,
}


def enums() -> Iterator[str]:
    """List the values of each enum."""
    return (f"{name}: {enum_values(kind)}" for name, kind in ENUMS.items())
