"""The program's frame: exit codes, errors in words and as JSON, a fast start."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from terminals import Terminal
from unlost.cli import main as module
from unlost.cli.exits import ExitCode, exit_code
from unlost.cli.main import main, program
from unlost.model.errors import (
    AuthExpired,
    Conflict,
    IntegrityError,
    LimitReached,
    NotAllowed,
    NotFound,
    SourceRefused,
    StoreError,
    TransientError,
    UnlostError,
    UsageError,
)

VERBS = [
    "init",
    "org",
    "backup",
    "snapshots",
    "certificate",
    "find",
    "history",
    "compare",
    "show",
    "file",
    "verify",
    "compact",
]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UsageError, 2),
        (NotAllowed, 4),
        *[
            (kind, 1)
            for kind in (
                TransientError,
                LimitReached,
                AuthExpired,
                SourceRefused,
                IntegrityError,
                NotFound,
                Conflict,
                StoreError,
                UnlostError,
            )
        ],
    ],
)
def test_each_kind_of_error_has_its_exit_code(kind: type[UnlostError], code: int) -> None:
    assert exit_code(kind("code", "Sentence.")) == code


def test_an_error_is_a_sentence_a_next_step_and_a_page(unlost: Terminal) -> None:
    ended = unlost("snapshots", "sails")
    assert (ended.code, ended.out) == (ExitCode.FAILED, "")
    assert ended.err.splitlines() == [
        "Error: There is no org named 'sails' in this home.",
        "What to do: Add one with `unlost org add`.",
        "More: docs/reference/errors.md#org-unknown",
    ]


def test_with_json_an_error_is_json_on_stdout(unlost: Terminal) -> None:
    ended = unlost("snapshots", "sails", "--json")
    assert (ended.code, ended.err) == (ExitCode.FAILED, "")
    assert ended.json == {
        "error": {
            "code": "org-unknown",
            "sentence": "There is no org named 'sails' in this home.",
            "next_step": "Add one with `unlost org add`.",
            "page": "docs/reference/errors.md#org-unknown",
        }
    }


@pytest.mark.parametrize(
    "words", [["show", "org", "id"], ["history", "org", "/id"], ["file", "org", "id", "--out", "x"]]
)
def test_a_record_is_written_as_table_and_id(unlost: Terminal, words: list[str]) -> None:
    ended = unlost(*words, "--json")
    assert ended.code == ExitCode.USAGE
    error = ended.json["error"]
    assert error["code"] == "record-unreadable"
    assert error["next_step"] == "Write TABLE/ID, as in Account/001…."


@pytest.mark.parametrize(
    "words",
    [
        ["backup"],
        ["bakcup", "x"],
        ["verify", "--level", "shallow"],
        ["find", "x", "--nonsense"],
        ["file", "org", "table/id"],
        ["org", "add", "nothing", "x"],
    ],
)
def test_what_is_not_understood_ends_with_2(unlost: Terminal, words: list[str]) -> None:
    ended = unlost(*words)
    assert ended.code == ExitCode.USAGE
    assert ended.err.startswith("Error: ")
    assert "--help" in ended.err
    as_json = unlost(*words, "--json")
    assert as_json.code == ExitCode.USAGE
    assert as_json.json["error"]["code"] == "command-line"


def test_a_home_must_be_named(unlost: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNLOST_HOME")
    ended = unlost("org", "list")
    assert ended.code == ExitCode.USAGE
    assert "set UNLOST_HOME" in ended.err


def test_the_option_wins_over_the_variable(
    unlost: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UNLOST_HOME", str(tmp_path / "nowhere"))
    assert unlost("org", "list").code == ExitCode.FAILED
    assert unlost("org", "list", "--home", str(unlost.world.home.root)).code == ExitCode.OK


def test_a_mistake_of_ours_says_so_and_helps_to_find_it(
    unlost: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("unlost.app.actions.orgs.orgs.list_all", broken)
    ended = unlost("org", "list", "--json")
    assert ended.code == ExitCode.FAILED
    assert ended.json["error"]["code"] == "internal"
    assert "ZeroDivisionError: a bug" in ended.err


def test_breaking_off_is_no_mistake(unlost: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("unlost.app.actions.orgs.orgs.list_all", broken_off)
    assert unlost("org", "list").code == 130


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        ([], VERBS),
        (["--help"], VERBS),
        (["org"], ["add", "list"]),
        (["org", "add"], ["memory"]),
        (["org", "add", "--help"], ["memory"]),
        (["org", "add", "memory", "--help"], ["--address", "--speed", "--password-file", "--json"]),
    ],
)
def test_help_lists_what_there_is(unlost: Terminal, words: list[str], listed: list[str]) -> None:
    ended = unlost(*words)
    assert ended.code == (ExitCode.OK if "--help" in words else ExitCode.USAGE)
    text = ended.out + ended.err
    assert text.startswith("Usage: unlost")
    assert [word for word in listed if word not in text] == []


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "org"])
def test_each_verb_explains_itself_and_speaks_json(unlost: Terminal, verb: str) -> None:
    ended = unlost(verb, "--help")
    assert ended.code == ExitCode.OK
    assert "--json" in ended.out


def test_the_version_is_told(unlost: Terminal) -> None:
    assert unlost("--version").out.startswith("unlost 0.")


HEAVY = ("django", "pyarrow", "polars", "numpy", "rich", "httpx", "cryptography", "msgspec")


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, time\n"
        "began = time.process_time()\n"
        "import unlost.cli.main as m\n"
        "took = time.process_time() - began\n"
        "code = m.main(['--help'])\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print(took, heavy, file=sys.stderr)\n"
        "sys.exit(code)"
    )
    environment = {**os.environ, "COVERAGE_PROCESS_START": ""}
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0
    took, heavy = done.stderr.splitlines()[-1].split(" ", 1)
    assert heavy == "[]"
    assert float(took) < 0.5  # seconds of CPU: the clock runs on while other programs do


def test_a_command_does_not_wait_for_the_queue_of_jobs() -> None:
    """DBOS takes half a second to import; only who queues a job needs it."""
    program = "import sys; import unlost.cli.remote_actions; sys.exit('dbos' in sys.modules)"  # all actions
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_process_searches_for_no_garbage_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[object] = []
    monkeypatch.setattr(module.atexit, "register", registered.append)
    monkeypatch.setattr(module, "main", lambda: ExitCode.FINDINGS)
    assert program() == ExitCode.FINDINGS
    assert registered == [gc.freeze]


def test_nobody_listening_is_no_mistake(unlost: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr(module, "_close_stdout", lambda: closed.append(True))

    def deaf(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("unlost.cli.verbs.orgs.orgs.answer", deaf)
    assert unlost("org", "list").code == ExitCode.FAILED
    assert closed


def test_a_pipe_that_closes_early_ends_quietly(tmp_path: Path) -> None:
    program = "import sys; from unlost.cli.main import main; sys.exit(main(['--help']))"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_json_of_an_error_is_one_object(unlost: Terminal) -> None:
    assert list(json.loads(unlost("find", " ", "--json").out)) == ["error"]


def test_the_entry_point_takes_the_process_arguments(
    unlost: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["unlost", "org", "list"])
    assert main() == ExitCode.OK
