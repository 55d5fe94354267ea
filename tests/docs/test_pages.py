"""Rules that all pages keep."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
import typer

from docs.site import build_site
from unlost.app.home.discovery import load_connector
from unlost.cli.main import app
from unlost.cli.verbs.orgs.orgs import WriteConnectors, writer_command
from unlost.cli.verbs.records import export
from unlost.cli.verbs.retention import erase

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {str(page.relative_to(DOCS)): page.read_text("utf-8") for page in DOCS.rglob("*.md")}
WIDEST = 80  # characters of code that a window of 1280 pixels shows in one line
EXACT = "reference/vault-format/test-vectors.md"  # its code is bytes, wrapped where it is shown
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(unlost [^`]+)`")
CALLED = re.compile(r"unlost(:\d\S*)?")
PROGRAM: Any = typer.main.get_command(app)
WORD = re.compile(r"[a-z][a-z-]*")
# The program itself, and a page with a connector that ``test_commands`` installs before it runs all.
UNCHECKED = {"reference/cli.md", "howto/write-a-connector.md"}
MEANT = {"erase": erase.DEFAULT, "export": export.DEFAULT}  # where no command is named
ENDS = {"|", ">", "<", "&&", "||"}


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {EXACT}))
def test_lines_of_code_are_short(page: str) -> None:
    lines = [line for _, block in BLOCK.findall(PAGES[page]) for line in block.splitlines()]
    assert not [line for line in lines if len(line) > WIDEST]


def test_the_home_page_leads_to_every_tutorial_and_how_to() -> None:
    linked = set(re.findall(r"\]\(((?:howto|tutorial)/[\w-]+\.md)\)", PAGES["index.md"]))
    assert linked == {page for page in PAGES if page.startswith(("howto/", "tutorial/"))}


def test_the_commands_lead_to_the_pages_of_each_connector() -> None:
    linked = set(re.findall(r"\]\(\.\./(connectors/.+?\.md)\)", PAGES["reference/cli.md"]))
    assert linked == {page for page in PAGES if page.startswith("connectors/")}


def test_a_connector_is_linked_by_the_title_of_its_page(tmp_path: Path) -> None:
    page = tmp_path / "toy" / "connect.md"
    page.parent.mkdir()
    page.write_text("# Connect a toy shop\n\nIts key is …\n", "utf-8")
    links = run_path(str(DOCS / "connector_pages.py"))["links"]
    lines = [*links("unlost org add toy", tmp_path), *links("unlost org list", tmp_path)]
    assert lines == ["See [Connect a toy shop](../connectors/toy/connect.md).", ""]


def words() -> list[str]:
    """The terms of the list of words, row by row."""
    return re.findall(r"^\| (.+?) \|", PAGES["reference/words.md"], re.MULTILINE)[1:]


def test_words_stand_in_the_order_of_the_alphabet() -> None:
    assert words() == sorted(words(), key=str.casefold)


def test_each_command_has_its_word() -> None:
    terms = {term.strip().casefold() for row in words() for term in row.split(",")}
    commands = {name if name in terms else name.removesuffix("s") for name in PROGRAM.commands}
    assert commands - terms == {"up"}  # its word is the service


def shown(page: str) -> Iterator[list[str]]:
    """The words of each command of Unlost that a page shows, run by a test or not."""
    lines = [
        line
        for _, block in BLOCK.findall(PAGES[page])
        for line in block.replace("\\\n", " ").splitlines()
        if "unlost" in line
    ]
    for line in [*lines, *INLINE.findall(BLOCK.sub("", PAGES[page]))]:
        yield from typed(line)


def typed(line: str) -> Iterator[list[str]]:
    """The words after each ``unlost`` of a line that is a program there."""
    try:
        tokens = shlex.split(line, comments=True)
    except ValueError:
        return  # a sentence, or a part of a program
    for number, token in enumerate(tokens[:-1]):
        following = tokens[number + 1]
        if CALLED.fullmatch(token) and WORD.fullmatch(following) and following != "unlost":
            yield tokens[number + 1 :]


def unknown(tokens: list[str], connector: str = "salesforce") -> str:
    """Return the words of a command that the program does not know.

    ``connector``: of the orgs of a page.
    """
    command, name = PROGRAM, ""
    while hasattr(command, "get_command") and tokens and not tokens[0].startswith("-"):
        if isinstance(
            command, WriteConnectors
        ):  # the org's connector decides; here there is no home
            words = writer_command(tokens[0], load_connector(connector))
            command, name, tokens = words, tokens[0], tokens[1:]
            continue
        context = typer.Context(command, resilient_parsing=True)
        _, inner, _ = command.resolve_command(context, tokens[:1])
        if inner is None and name not in MEANT:
            return tokens[0]
        if inner is None:
            command = command.commands[MEANT[name]]
        else:
            command, name, tokens = inner, tokens[0], tokens[1:]
    known = {name for parameter in command.params for name in parameter.opts}
    known |= {name for parameter in command.params for name in parameter.secondary_opts}
    for token in tokens:
        if token in ENDS:
            break
        if token.startswith("--") and token.partition("=")[0] not in {*known, "--help"}:
            return token
    return ""


@pytest.mark.parametrize("page", sorted(PAGES.keys() - UNCHECKED))
def test_each_command_shown_exists(page: str) -> None:
    folder, _, rest = page.removeprefix("connectors/").partition("/")
    connector = folder if rest and page.startswith("connectors/") else "salesforce"
    words = {" ".join(tokens): unknown(tokens, connector) for tokens in shown(page)}
    wrong = {command: word for command, word in words.items() if word}
    assert not wrong


def test_a_command_that_does_not_exist_is_noticed() -> None:
    line = "sudo -u unlost unlost forgett chocolate; unlost forget chocolate --plan --nonsense"
    assert [unknown(tokens) for tokens in typed(line)] == ["forgett", "--nonsense"]


def test_the_architecture_is_drawn_from_the_import_contract() -> None:
    command = [sys.executable, str(DOCS / "draw_architecture.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0
    picture = (DOCS / "explanation" / "architecture.svg").read_text("utf-8")
    assert "prefers-color-scheme: dark" in picture
    assert picture.count("<text") > 20
    assert "explanation/architecture.md" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_programs_are_not_published(tmp_path: Path) -> None:
    site = build_site(tmp_path)
    assert (site / "howto" / "install" / "index.html").is_file()
    assert not [file for file in site.rglob("*") if file.suffix in {".py", ".pyc"}]
