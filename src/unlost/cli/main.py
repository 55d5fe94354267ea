"""The program ``unlost``: runs a command, and maps its ending to an exit code.

    UsageError and errors of the command line   2   printed without a traceback
    NotAllowed                                  4
    other UnlostError                           1   with the next step and the page of the error
    anything else                               1   a bug: printed with its traceback
    findings                                    3   returned by the command itself

The module of a command is imported when it is called, and imports actions inside of its functions:
importing Arrow and Django takes longer than most commands run. All that a command does is an
action; some copy the home afterwards (``after_run``).

See docs/adr/0015.
"""

import atexit
import gc
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Annotated, NoReturn

import typer

from unlost.cli.exits import ExitCode, exit_code
from unlost.cli.failing import show_aborted, show_bug, show_error, show_usage_error
from unlost.cli.verb_list import VERBS, VerbGroup
from unlost.model.errors import UnlostError

PROGRAM = "unlost"
GARBAGE = 50_000  # new objects between two searches for garbage
READING = frozenset({"find", "history", "show", "snapshots", "certificate", "file", "compare"})
HELP = """Back up the SaaS data of your company, and find and restore what was lost.

Exit codes: 0 ok, 1 failed, 2 usage error, 3 done, but review the result, 4 not allowed.
"""

app = typer.Typer(
    name=PROGRAM,
    cls=VerbGroup,
    help=HELP,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    # Help texts contain brackets, which are not markup.
    rich_markup_mode=None,
)


def _version(is_asked: bool) -> None:  # noqa: FBT001 (typer calls it so)
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"unlost {version('unlost')}")
        raise typer.Exit


@app.callback()
def about(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Options before the verb."""


_command = cache(partial(typer.main.get_command, app))


def program() -> int:
    """Run the command that a process was started for, and return its exit code."""
    # Imports create objects by the hundred thousand, and hardly any garbage. A command that reads
    # ends within a second, of which each search for garbage would take two hundredths.
    gc.set_threshold(GARBAGE)
    is_reading = bool(READING.intersection(sys.argv[1:2]))
    if is_reading:
        gc.disable()
    # Before it ends, the interpreter searches all its modules for garbage: 0.4 seconds of a command.
    atexit.register(gc.freeze)
    code = main()
    if is_reading:
        _end_process(code)
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of the process."""
    # Errors may come before the options are parsed, so this looks for --json itself.
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    try:
        # Not standalone: typer would print errors in its own format and exit.
        code = _command().main(words, prog_name=PROGRAM, standalone_mode=False) or ExitCode.OK
        sys.stdout.flush()  # here, so that a closed pipe is handled below
        return int(code)
    except UnlostError as error:
        show_error(error, as_json=as_json)
        return exit_code(error)
    except typer.TyperException as error:
        show_usage_error(error.format_message(), command=_typed(words), as_json=as_json)
        return ExitCode.USAGE
    except typer.Abort:
        show_aborted(command=_typed(words), as_json=as_json)
        return ExitCode.FAILED
    # As in `unlost audit export | head`.
    except BrokenPipeError:
        _close_stdout()
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 (the last chance to report an error)
        show_bug(error, as_json=as_json)
        return ExitCode.FAILED


def _end_process(code: int) -> NoReturn:
    """End the process without clearing its modules, which takes a twelfth of a reading command."""
    import os

    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _typed(words: Sequence[str]) -> str:
    """Return the command that was typed, for a hint on its help."""
    verbs = {verb.name for verb in VERBS}
    return " ".join([PROGRAM, *[word for word in words if word in verbs][:1]])


def _close_stdout() -> None:
    """Discard further output: the reader is gone, and Python would complain at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
