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

The API has what the console has. All paths begin with `/api/v1`. The types of all requests and answers
stand in [openapi.json](openapi.json), which each console also serves at `/api/v1/openapi.json`.

A program signs in with a [token](../howto/let-people-in.md): `Authorization: Bearer unl_…`. What the token may do
is what its owner may do, and no more than it was made for. An org that it may not see is answered as one that is
not there. Hidden columns are hidden here too, and the audit notes what was done and by which token.

- A `GET` takes its parameters in the query, all others take an object of JSON. A name that an operation does
  not know is refused.
- In a part of a path `~` is written `~7E`, and `/` is written `~2F`.
- An error has a status of 400 or more, and a [code](errors.md):
  `{"error": {"code": "…", "sentence": "…", "next_step": "…", "page": "…"}}`.
- Files, plan files and the export of the audit come as bytes, piece by piece. The answer with a file tells in the
  header `Unlost-Result` what it is, as JSON that is percent-encoded. A plan file is sent as the whole body, with
  the type `application/octet-stream`.
- What is secret is taken and never given: no answer holds a password or a key of an org.

## A backup

Ask for it (`backup.ask`), look at the run (`run.progress`) every few seconds until its state is `done`, and read
what it proved (`certificate.show`). A run that nobody has begun yet is answered with `run-unknown`.

## A restore

1. Say what is wanted (`restore.choose`). The answer names a plan.
2. Have it made (`restore.make`). The answer comes once it is made, which may take minutes; whoever does not wait asks
   `restore.look` until its state is no longer `making`.
3. Look at it (`restore.records`), leave records out (`restore.leave-out`), give values (`restore.edit`) or name other
   people (`restore.give`). Each of these answers with a new plan, which is to be made as the first one was.
4. Have the service run it (`restore.start`). Where many records are written to a production org, its name must be given as
   `typed`.
5. Look at the run (`run.progress`), and read how it ended (`run.outcome`).

## What only the home can do

Making a home, starting and checking it, keys, and bringing a lost home back need the machine itself. A token ends, and
what it let in would not: it cannot make tokens, add people or give them roles, change the addresses by which they sign
in, nor add a provider of single sign-on. An org is looked at and added in one step (`org.add`).
"""
GROUPS = {
    "home": "The home", "connector": "Orgs", "org": "Orgs", "column": "Hidden columns",
    "backup": "Backups", "snapshot": "Backups", "certificate": "Backups", "table": "Backups",
    "record": "Records and files", "file": "Records and files", "storage": "Storage",
    "schedule": "Schedules", "restore": "Restores", "run": "Runs", "alert": "Alerts",
    "channel": "Alerts", "vault": "The vault", "mirror": "The vault", "keep": "Keeping and forgetting",
    "forget": "Keeping and forgetting", "hold": "Keeping and forgetting", "erase": "Privacy requests", "rectify": "Privacy requests", "privacy": "Privacy requests", "person": "People", "lockout": "People",
    "sso": "Single sign-on", "token": "Tokens", "audit": "The audit",
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
