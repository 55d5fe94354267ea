"""Print errors: the sentence, the next step and the page; with ``--json`` as JSON."""

import json
import sys
import traceback

from unlost.cli.text import plain
from unlost.model.errors import UnlostError


def show_error(error: UnlostError, *, as_json: bool) -> None:
    """Print an error that the user can act upon: on stderr, or as JSON on stdout."""
    if as_json:
        _show_json(error.code, error.sentence, error.next_step, error.page)
        return
    lines = [f"Error: {error.sentence}"]
    if error.next_step:
        lines.append(f"What to do: {error.next_step}")
    lines.append(f"More: {error.page}")
    print(*map(plain, lines), sep="\n", file=sys.stderr)  # noqa: T201


def show_usage_error(message: str, *, command: str, as_json: bool) -> None:
    """Print an error in the command line itself."""
    step = f"See `{command} --help`."
    if as_json:
        _show_json("command-line", message, step, UnlostError("command-line", "").page)
        return
    if message.startswith("Usage: "):  # a group without its verb: the message is its help
        print(message, file=sys.stderr)  # noqa: T201
        return
    print(f"Error: {plain(message)}\nWhat to do: {step}", file=sys.stderr)  # noqa: T201


def show_aborted(*, command: str, as_json: bool) -> None:
    """Print that a prompt was declined or aborted."""
    message = "The command was cancelled."
    step = f"Run it again and confirm. For options that skip the prompt, see `{command} --help`."
    if as_json:
        _show_json("command-line", message, step, UnlostError("command-line", "").page)
        return
    print(f"Error: {message}\nWhat to do: {step}", file=sys.stderr)  # noqa: T201


def show_bug(error: BaseException, *, as_json: bool) -> None:
    """Print an internal error with its traceback."""
    traceback.print_exception(error, file=sys.stderr)
    bug = UnlostError(
        "internal",
        "Unlost failed with an internal error: {name}: {error}",
        next_step="Committed data is not lost. Report this error with the lines above.",
        name=type(error).__name__,
        error=error,
    )
    show_error(bug, as_json=as_json)


def _show_json(code: str, sentence: str, next_step: str, page: str) -> None:
    error = {"code": code, "sentence": sentence, "next_step": next_step, "page": page}
    print(json.dumps({"error": error}, ensure_ascii=False, indent=2))  # noqa: T201
