"""Writes docs/reference/json.md from the results that the commands print with ``--json``.

python docs/generate_json.py           write the page
python docs/generate_json.py --check   fail if the page is not what the sources say
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from inspect import getdoc, getsource
from pathlib import Path
from types import UnionType
from typing import Any, TypeAliasType, get_args, get_origin, get_type_hints

from unlost.app.actions.alerts.alerts import Alerts, ChannelTests
from unlost.app.actions.alerts.doctor import Diagnosis
from unlost.app.actions.alerts.mass_changes import MassChanges, MassLimitsList, Silences
from unlost.app.actions.alerts.overview import Overview
from unlost.app.actions.alerts.public_address import PublicAddress
from unlost.app.actions.backups.backup import BackupResult
from unlost.app.actions.backups.certificate import SnapshotCertificate
from unlost.app.actions.backups.gaps import AcceptedGaps, GapList
from unlost.app.actions.backups.schedule import OrgSchedule, Schedules
from unlost.app.actions.backups.snapshots import SnapshotList
from unlost.app.actions.orgs.checklist import OrgChecklist
from unlost.app.actions.orgs.follow import FollowedOrg
from unlost.app.actions.orgs.hidden_columns import HiddenOfOrg
from unlost.app.actions.orgs.orgs import AddedOrg, OrgList
from unlost.app.actions.orgs.searched_columns import SearchedOfOrg
from unlost.app.actions.orgs.write_access import WriterResult
from unlost.app.actions.people.audit import AuditPage
from unlost.app.actions.people.people import PeopleList, SignInLink
from unlost.app.actions.people.tokens import NewToken, Tokens
from unlost.app.actions.records.compare import CompareResult
from unlost.app.actions.records.export import ExportResult
from unlost.app.actions.records.file import FileResult
from unlost.app.actions.records.find import FindResult
from unlost.app.actions.records.history import HistoryResult
from unlost.app.actions.records.losses import LossDetail, LossLine, LossList
from unlost.app.actions.records.saved_searches import SavedSearch, SavedSearches
from unlost.app.actions.records.show import ShowResult
from unlost.app.actions.restores.restore_plan import PlanResult
from unlost.app.actions.restores.restore_run import RestoreResult, RunDetail, RunList
from unlost.app.actions.retention.privacy import PersonData
from unlost.app.actions.runs.control import RunCommandResult
from unlost.app.actions.storage.storage import StorageReport
from unlost.app.actions.vault.init import InitResult
from unlost.app.actions.vault.pending import ConfirmedCommits, PendingList, RejectedCommit
from unlost.app.actions.vault.rebuild import RebuildResult
from unlost.app.actions.vault.salvage import SalvagePlan, SalvageResult
from unlost.app.actions.vault.verify import VerifyResult
from unlost.catalog.people.audit import AuditProof
from unlost.catalog.people.people import Person
from unlost.catalog.people.tokens import ApiToken
from unlost.model.gaps import AcceptedGap
from unlost.model.mass_changes import Silence

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "json.md"
MOMENTS: Mapping[Any, str] = {date: "day", datetime: "instant", time: "time of the day"}
RESULTS: Mapping[str, type] = {
    "init": InitResult,
    "org add": AddedOrg,
    "org list": OrgList,
    "org follow": FollowedOrg,
    "org checklist": OrgChecklist,
    "org writer": WriterResult,
    "backup": BackupResult,
    "snapshots": SnapshotList,
    "certificate": SnapshotCertificate,
    "find": FindResult,
    "gaps list": GapList,
    "gaps accept": AcceptedGaps,
    "gaps reopen": AcceptedGap,
    "status": Overview,
    "searches list": SavedSearches,
    "searches save": SavedSearch,
    "searches open": FindResult,
    "searches remove": SavedSearch,
    "losses list": LossList,
    "losses show": LossDetail,
    "losses dismiss": LossLine,
    "losses reopen": LossLine,
    "history": HistoryResult,
    "compare": CompareResult,
    "show": ShowResult,
    "file": FileResult,
    "export": ExportResult,
    "export person": PersonData,
    "verify": VerifyResult,
    "verify --salvage --plan": SalvagePlan,
    "verify --salvage --yes": SalvageResult,
    "restore plan": PlanResult,
    "restore show": PlanResult,
    "restore run": RestoreResult,
    "restore resume": RestoreResult,
    "restore retry": RestoreResult,
    "runs": RunList,
    "runs RUN": RunDetail,
    "runs RUN --pause": RunCommandResult,
    "runs RUN --cancel": RunCommandResult,
    "runs RUN --resume": RunCommandResult,
    "schedule show": Schedules,
    "schedule set": OrgSchedule,
    "storage": StorageReport,
    "alert list": Alerts,
    "alert test": ChannelTests,
    "alert changes": MassChanges,
    "alert expect": Silence,
    "alert expected": Silence,
    "alert mute": Silence,
    "alert silences": Silences,
    "alert limits": MassLimitsList,
    "alert address": PublicAddress,
    "doctor": Diagnosis,
    "user list": PeopleList,
    "user add": Person,
    "user role": Person,
    "user remove": Person,
    "user reactivate": Person,
    "user link": SignInLink,
    "token list": Tokens,
    "token add": NewToken,
    "token remove": ApiToken,
    "audit list": AuditPage,
    "audit verify": AuditProof,
    "org hidden": HiddenOfOrg,
    "org hide": HiddenOfOrg,
    "org unhide": HiddenOfOrg,
    "org searched": SearchedOfOrg,
    "org search": SearchedOfOrg,
    "org unsearch": SearchedOfOrg,
    "vault rebuild": RebuildResult,
    "vault pending": PendingList,
    "vault pending confirm": ConfirmedCommits,
    "vault pending reject": RejectedCommit,
}
INTRODUCTION = """# JSON

With `--json` every command prints one JSON object on stdout, and nothing else there. Exit codes are
the same as without it.

The shape is stable: fields may be added, none is renamed, removed or given another meaning within a
major release. Programs should ignore fields that they do not know.

- An instant is a text as in RFC 3339, such as `2026-03-04T02:00:00Z`; a time of the day is `01:30:00`.
- A size is a number of bytes.
- A cell of a record is a text, exactly as the org delivered it, or `null`. Numbers and dates of a
  record are texts too: no digit is lost on the way.
- `T?` means that the value may be `null`.

A command that failed prints this instead; [the codes](errors.md) are stable too:

```json
{"error": {"code": "org-unknown", "sentence": "…",
           "next_step": "…", "page": "…"}}
```

This page is made from the sources by `docs/generate_json.py`.
"""


def page() -> str:
    """The whole page."""
    shapes: dict[type, None] = {}
    commands = [_command(name, kind, shapes) for name, kind in RESULTS.items()]
    done: list[str] = []
    while len(done) < len(shapes):
        done.append(_shape(list(shapes)[len(done)], shapes))
    parts = [INTRODUCTION, "# Commands\n", *commands, "# Parts\n", *done]
    return "\n".join(parts).replace("\n# ", "\n## ")


def _command(name: str, kind: type, shapes: dict[type, None]) -> str:
    return f"### unlost {name}\n\n{_words(kind)}\n\n{_fields(kind, shapes)}\n"


def _shape(kind: type, shapes: dict[type, None]) -> str:
    if issubclass(kind, Enum):
        return f"### {kind.__name__}\n\n{_words(kind)}\n\n{_values(kind)}\n"
    return f"### {kind.__name__}\n\n{_words(kind)}\n\n{_fields(kind, shapes)}\n"


def _values(kind: type) -> str:
    """The values of an enumeration with the comments that stand beside them in the sources."""
    comments = dict(re.findall(r'= "([^"]+)" *# *+(?!noqa)(.+)', getsource(kind)))
    values: Sequence[str] = [one.value for one in kind]  # type: ignore[attr-defined]
    if not comments:
        return f"One of {', '.join(f'`{value}`' for value in values)}."
    rows = [f"| `{value}` | {comments.get(value, '')} |" for value in values]
    return "\n".join(["| value | meaning |", "|---|---|", *rows])


def _fields(kind: type, shapes: dict[type, None]) -> str:
    hints = get_type_hints(kind)
    rows = [f"| `{one.name}` | {_type(hints[one.name], shapes)} |" for one in fields(kind)]  # type: ignore[arg-type]
    return "\n".join(["| field | type |", "|---|---|", *rows])


def _type(hint: Any, shapes: dict[type, None]) -> str:
    if isinstance(hint, TypeAliasType):
        return _type(hint.__value__, shapes)
    simple = {str: "text", int: "number", float: "number", bool: "true or false"}
    if hint in simple:
        return simple[hint]
    if hint in MOMENTS:
        return MOMENTS[hint]
    if hint is Any:
        return "value"
    if get_origin(hint) is UnionType:
        inner = [one for one in get_args(hint) if one is not type(None)]
        either = " or ".join(dict.fromkeys(_type(one, shapes) for one in inner))
        return f"{either}?" if len(inner) < len(get_args(hint)) else either
    arguments = get_args(hint)
    if get_origin(hint) is tuple or get_origin(hint) is Sequence:
        return f"list of {_type(arguments[0], shapes)}"
    if get_origin(hint) is Mapping:
        return f"object of {_type(arguments[1], shapes)}, by text"
    assert is_dataclass(hint) or issubclass(hint, Enum), hint
    shapes[hint] = None
    return f"[{hint.__name__}](#{hint.__name__.lower()})"


def _words(kind: type) -> str:
    return (getdoc(kind) or "").replace("``", "`")


def main() -> int:
    """Write the page, or check it."""
    fresh = page()
    if "--check" not in sys.argv:
        PAGE.write_text(fresh, "utf-8")
        return 0
    if PAGE.read_text("utf-8") == fresh:
        return 0
    print(f"{PAGE} is not what the sources say; run docs/generate_json.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
