"""Telling a story through the public CLI: commands are shown before they run, claims are proved."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlost_simulators.process import SimulatorProcess

ROOT = Path(__file__).parents[1]
HOME = Path(os.environ.get("DEMO_HOME", ROOT / "demo-home"))
SHEET = HOME.with_name("demo-recovery-sheet.txt")
UNLOST = Path(sys.executable).with_name("unlost")
DONE_WITH_FINDINGS = 3
BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


@dataclass(slots=True)
class Proof:
    """What the story has shown so far."""

    claims: list[str]

    def show(self, claim: str, holds: object) -> None:
        """Note a claim that holds; a claim that does not ends the demo."""
        if not holds:
            raise SystemExit(f"The demo could not show that {claim}")
        self.claims.append(claim)


def say(text: str) -> None:
    """A paragraph of the story."""
    print(f"\n{text.strip()}", flush=True)


def chapter(title: str) -> None:
    """The title of a part."""
    print(f"\n{BOLD}── {title} {'─' * max(0, 74 - len(title))}{PLAIN}", flush=True)


def unlost(*arguments: str, shown: bool = True, lines: int = 0) -> str:
    """Run a command as a person would, show its answer (the first ``lines`` of it) and give it."""
    if shown:
        print(f"\n{DIM}$ unlost {' '.join(map(_quoted, arguments))}{PLAIN}", flush=True)
    done = subprocess.run(
        [UNLOST, *arguments],
        env={**os.environ, "UNLOST_HOME": str(HOME), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, DONE_WITH_FINDINGS):
        raise SystemExit(
            f"unlost {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        )
    if shown:
        print(_shortened(done.stdout, lines), end="", flush=True)
    return done.stdout


def ask(*arguments: str) -> dict[str, Any]:
    """The same answer as JSON, not shown: what the story needs to go on."""
    answer: dict[str, Any] = json.loads(unlost(*arguments, "--json", shown=False))
    return answer


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def _shortened(text: str, lines: int) -> str:
    rows = text.splitlines(keepends=True)
    if not lines or len(rows) <= lines:
        return text
    return "".join(rows[:lines]) + f"  … and {len(rows) - lines} more lines\n"


def begin(
    sentence: str = "A chocolate maker of 300 people keeps its customers in Salesforce.",
    note: str = "(A simulator plays Salesforce; it listens on this machine only.)",
) -> Proof:
    """Remove the home of an earlier demo, and say what this one is about; nothing is proved yet."""
    shutil.rmtree(HOME, ignore_errors=True)
    SHEET.unlink(missing_ok=True)
    say(f"{BOLD}{sentence}{PLAIN} {note}")
    return Proof([])


def follow_number(proof: Proof, number: str, *, org: str, table: str, column: str) -> str:
    """From the number of a lost record to its history and its last state; gives its id.

    ``column``: the one that holds the number.
    """
    unlost("find", number)
    hits = ask("find", number)["hits"]
    lost = next(hit for hit in hits if (hit["org"], hit["table"]) == (org, table))
    proof.show(f"a deleted {lost['table_label'].lower()} is found by its number", not lost["alive"])
    place = f"{table}/{lost['record']}"
    say("Its history: what changed, when, and by whom.")
    unlost("history", org, place)
    say("Its last known state, as it was before it was deleted.")
    unlost("show", org, place, lines=24)
    shown = ask("show", org, place)
    proof.show("its last state is there in full", shown["values"][column] == number)
    return str(lost["record"])


def write_secret(name: str, secret: str) -> str:
    """Write a secret into a file of the home that only its owner reads; gives its path."""
    file = HOME / name
    file.write_text(secret, "utf-8")
    file.chmod(0o600)
    return str(file)


def set_up(simulator: SimulatorProcess) -> None:
    """The home, the vault, and the org."""
    chapter("Setting up")
    say(
        "A home for Unlost, and a vault that only its keys open. The recovery sheet belongs into "
        "a safe: with it and the vault alone, everything can be read."
    )
    unlost("init", str(HOME), "--recovery-out", str(SHEET))
    secret = write_secret("client-secret.txt", "not-a-secret-chocolate")
    say("The chocolate maker's Salesforce org. Unlost says what this user will not see.")
    unlost(
        *("org", "add", "salesforce", "chocolate"),
        *("--login-url", simulator.url),
        *("--client-id", "chocolate-backup", "--client-secret-file", secret),
    )


def end(
    proof: Proof,
    seconds: float,
    *,
    next_commands: str,
    guide: str = "docs/howto/connect-salesforce.md",
) -> None:
    """List what was proved, and what to try next; ``guide`` connects a reader's own org."""
    chapter("What was shown")
    for claim in proof.claims:
        print(f"  ✓ {claim}")
    print(
        f"""
{seconds:.0f} seconds. The home of this demo is {HOME.name}/. Try next:

  export UNLOST_HOME={HOME.name}
{next_commands}
  .venv/bin/unlost up          # the same in the browser: open the link that it prints

Your own org: {guide}"""
    )
