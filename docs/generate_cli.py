"""Writes docs/reference/cli.md from the program itself, so that the two never differ.

python docs/generate_cli.py           write the page
python docs/generate_cli.py --check   fail if the page is not what the program says
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# what help texts look like must not depend on who runs this
os.environ |= {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
os.environ.pop("UNLOST_HOME", None)

import typer

sys.path.insert(0, str(Path(__file__).parent))

from connector_pages import links

from unlost.app.home.discovery import connector_names, load_connector
from unlost.cli.main import PROGRAM, app
from unlost.cli.verbs.orgs.orgs import WriteConnectors, writer_command

WIDTH = 80
ANY_NAME = "NAME"
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
INTRODUCTION = """# Commands

Every command that works with a home takes `--home DIR`, or the variable `UNLOST_HOME`. Every
command takes `--json`: its result is then one JSON object on stdout, as
[described here](json.md). Progress goes to stderr, and only to a terminal.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed; the vault is as it was |
| 2 | usage error; nothing was done |
| 3 | done, with gaps or rows with errors: read the output |
| 4 | not allowed: a permission, a credential or a key is missing |

Name a backup by `latest`, by its number, by a date (the last backup before the end of that day in
the org's time zone), or by an instant with its zone, such as `2026-03-04T09:00:00Z`. Some commands
also accept `live`, the org as it is now.

See also the list of [errors](errors.md).
"""


def page() -> str:
    """The whole page."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name=PROGRAM)
    return "\n".join([INTRODUCTION, *map(_section, _contexts(context))])


def _contexts(context: Any) -> Iterator[Any]:
    """A context of every command that does something, in the order of its help.

    A group that lists nothing takes the name of an org in the place of a command, and has the
    settings of its connector. A group may also do something without a command.
    """
    if not hasattr(context.command, "list_commands"):
        yield context
        return
    if context.command.invoke_without_command:
        yield context
    for name, command in _commands(context):
        yield from _contexts(
            typer.Context(
                command,
                info_name=name,
                parent=context,
                terminal_width=WIDTH,
                max_content_width=WIDTH,
            )
        )


def _commands(context: Any) -> Iterator[tuple[str, Any]]:
    for name in context.command.list_commands(context):
        _, command, _ = context.command.resolve_command(context, [name])
        yield name, command
    if isinstance(context.command, WriteConnectors):
        for connector in map(load_connector, connector_names()):
            yield ANY_NAME, writer_command(ANY_NAME, connector)


def _section(context: Any) -> str:
    text = context.command.get_help(context).rstrip()
    lines = [f"## {context.command_path}", "", "```text", text, "```", ""]
    return "\n".join([*lines, *links(context.command_path)])


def main() -> int:
    """Write the page, or check it."""
    fresh = page()
    if "--check" not in sys.argv:
        PAGE.write_text(fresh, "utf-8")
        return 0
    if PAGE.read_text("utf-8") == fresh:
        return 0
    print(f"{PAGE} is not what the program says; run docs/generate_cli.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
