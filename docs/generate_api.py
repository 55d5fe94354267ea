"""Writes docs/reference/api.md from the table of operations.

python docs/generate_api.py           write the page
python docs/generate_api.py --check   fail if the page is not what the table says
"""

import sys
from collections.abc import Iterator
from inspect import getdoc
from itertools import groupby
from pathlib import Path

import unlost.app.home.database  # noqa: F401 (sets up Django)
from unlost.app.access import ACTIONS, WORDS
from unlost.app.operations import OPERATIONS, ApiOperation

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "api.md"
INTRODUCTION = """# REST API

The API offers the functions of the console. All paths begin with `/api/v1`. The types of all
requests and answers are in [openapi.json](openapi.json), which each console also serves at
`/api/v1/openapi.json`.

A program signs in with a [token](../howto/let-people-in.md): `Authorization: Bearer unl_…`. A token
has the rights of its owner, limited to those that were chosen for it. An org that it may not see
does not exist for it. Hidden columns stay hidden, and the audit log records each action with its
token.

- A `GET` takes its parameters in the query. All other methods take a JSON object. An unknown
  parameter is refused.
- In a part of a path, write `~` as `~7E` and `/` as `~2F`.
- An error has a status of 400 or more, and a [code](errors.md):
  `{"error": {"code": "…", "sentence": "…", "next_step": "…", "page": "…"}}`.
- Files, plan files, lists as CSV and the export of the audit log are streamed as bytes. The header
  `Unlost-Result` of an answer with a file describes it, as percent-encoded JSON. Send a plan file
  as the whole body, with the type `application/octet-stream`.
- No answer contains a password or a key of an org.

## A backup

Request it (`backup.ask`), poll the run (`run.progress`) every few seconds until its state is
`done`, and read its certificate (`certificate.show`). Until the service starts the run, the answer
is `run-unknown`.

## A restore

1. Choose the records (`restore.choose`), values of one record (`restore.correct`), or changes that
   are taken back (`restore.take-back`). The answer names a plan.
2. Make the plan (`restore.make`). This can take minutes. To make it in the background, poll
   `restore.look` until its state is no longer `making`.
3. Review it (`restore.records`), leave records out (`restore.leave-out`), edit values
   (`restore.edit`) or assign other people (`restore.give`). Each of these answers with a new plan,
   which must be made as well.
4. Start the restore (`restore.start`). If it writes many records to a production org, give the name
   of the org as `typed`.
5. Poll the run (`run.progress`), and read its result (`run.outcome`).

## An archive, a purge and an undo

Each is a plan, as a restore is. Only the first step differs: send one of these as `wanted` to
`restore.choose` (`POST /orgs/{org}/plans`), and go on with step 2 of a restore.

| to plan | send as `wanted` |
|---|---|
| an archive | `{"request": {"org": "sales", "archive": POLICY}}`; `archive.policies` lists policies |
| a purge of records | `{"request": {"org": "sales", "purge": true, "records": ["Case/500…"]}}` |
| a purge of a watched set | `{"request": {"org": "sales", "purge": true, "watched": "Junk", "table": "Case"}}` |
| a purge of a search | `{"request": {"org": "sales", "purge": true, "listed": {"kind": "matches", "table": "Lead", "search": {"text": "import 7"}}}}` |
| a purge of a mail loop | `{"request": {"org": "sales", "purge": true, "loop": "02s…"}}`; with `"loop_records": true` the records that it created |
| an undo | `{"request": {"org": "sales", "undo": "archive-…"}}`, with the name of the run |

`purge.read-ids` takes a list of ids or a CSV text, and returns its records for `records`, and the
lines that name none. A summary that is a preview (`is_preview`) cannot be started: the org has no
write user yet. `run.outcome` counts archived and purged records as `archived`, and has `purge` for
the run of a purge.

## Limits of the API

Creating, starting and checking a home, keys, and recovering a lost home require access to the
machine. A token is temporary, so it cannot grant permanent access: it cannot create tokens, add
people or give them roles, change their sign-in addresses, or add a single sign-on provider.
`org.add` checks an org and adds it in one step.
"""
GROUPS = {
    "home": "The home", "connector": "Orgs", "org": "Orgs", "column": "Hidden columns", "searched-column": "Searched columns",
    "backup": "Backups", "snapshot": "Backups", "certificate": "Backups", "table": "Backups",
    "record": "Records and files", "file": "Records and files", "search": "Saved searches", "watch": "Watched records", "loss": "Losses", "gap": "Gaps", "storage": "Storage", "archive": "Storage", "purge": "Storage",
    "schedule": "Schedules", "restore": "Restores", "approval": "Restores", "bypass": "Restores", "run": "Runs", "alert": "Alerts",
    "mass": "Alerts", "address": "Alerts", "channel": "Alerts", "vault": "The vault", "mirror": "The vault", "keep": "Retention",
    "forget": "Retention", "hold": "Retention", "erase": "Privacy requests", "rectify": "Privacy requests", "privacy": "Privacy requests", "person": "People", "lockout": "People",
    "sso": "Single sign-on", "token": "Tokens", "audit": "The audit log",
}  # fmt: skip


def page() -> str:
    """The whole page."""
    order = list(dict.fromkeys(GROUPS.values()))
    ordered = sorted(OPERATIONS, key=lambda one: order.index(_group(one)))
    return "\n".join([INTRODUCTION, *(_section(*one) for one in groupby(ordered, _group))])


def _group(operation: ApiOperation) -> str:
    return GROUPS[operation.action.partition(".")[0]]


def _section(title: str, operations: Iterator[ApiOperation]) -> str:
    rows = [
        "| operation | method and path | what it does | needs the right to |",
        "|---|---|---|---|",
    ]
    return "\n".join([f"## {title}", "", *rows, *map(_row, operations), ""])


def _row(operation: ApiOperation) -> str:
    first = (getdoc(operation.call) or "").partition("\n")[0].partition("; raises ")[0]
    does = first.removesuffix(" Raises NotFound.").rstrip(".").replace("``", "`")
    right = WORDS[ACTIONS[operation.action].right]
    asked = f"{operation.method.value} {operation.path}"
    return f"| {operation.action} | `{asked}` | {does} | {right} |"


def main() -> int:
    """Write the page, or look whether it is up to date."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), "utf-8")
        return 0
    if PAGE.read_text("utf-8") != page():
        print(f"{PAGE} is not what the table says: run python docs/generate_api.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
