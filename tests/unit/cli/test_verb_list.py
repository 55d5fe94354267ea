"""The list of verbs says the same as their modules, and completion uses it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from unlost.cli import verbs
from unlost.cli.verb_list import VERBS, Verb, VerbGroup, load_verb

LONGEST = 1000  # characters: no summary is shortened
NARROW = 65


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_list_has_the_name_and_the_summary_of_each_verb(verb: Verb) -> None:
    command, summary = load_verb(verb.name), VerbGroup().commands[verb.name]
    assert command.name == verb.name
    assert command.get_short_help_str(LONGEST) == verb.summary
    assert summary.get_short_help_str(NARROW) == command.get_short_help_str(NARROW)
    assert not command.hidden
    assert summary.hidden is verb.is_hidden


def test_each_module_of_a_verb_is_in_the_list() -> None:
    folder = Path(verbs.__path__[0])
    files = (file.relative_to(folder).with_suffix("") for file in folder.glob("*/*.py"))
    modules = {".".join(file.parts) for file in files if file.name != "__init__"}
    parts = {
        "alerts.mass_changes",
        "archive.expired",
        "archive.policy",
        "vault.mirror",
        "vault.pending",
        "vault.salvage",
    }
    assert modules == {verb.module for verb in VERBS} | parts


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("unlost fi", ["find", "file"]),
        ("unlost org hid", ["hidden", "hide"]),
        ("unlost find --fo", ["--former"]),
    ],
)
def test_the_shell_completes_verbs_and_their_options(words: str, offered: list[str]) -> None:
    environment = {
        **os.environ,
        "_UNLOST_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    program = "from unlost.cli.main import program; program()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == offered
