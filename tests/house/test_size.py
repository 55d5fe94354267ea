"""The house rules on size: small functions, files with one subject, and no rooms without a name."""

import ast
import io
import tokenize
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from house.templates import parsed

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("src", "simulators/src", "tests", "benchmarks", "demo")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and "node_modules" not in path.parts
)
PRODUCT = [path for path in SOURCES if path.is_relative_to(ROOT / "src")]
BANNED_NAMES = {"utils", "helpers", "common", "manager", "misc"}

CONNECTORS = sorted(path.parent for path in ROOT.glob("src/unlost/connectors/*/__init__.py"))
# It is older than the limit, and reads and writes in more ways (docs/adr/0068).
WITHOUT_LIMIT = {"salesforce"}
# Tokens that are neither code nor the end of a statement.
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}

BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # where statements stand


@dataclass(frozen=True, slots=True)
class FunctionSize:
    """A function: its file and first line, its name, and its lines."""

    place: str
    name: str
    lines: int


@cache
def functions(path: Path) -> tuple[FunctionSize, ...]:
    """All functions of a file; only statements are walked, as a function is one."""
    found, waiting = [], list[ast.AST]([parsed(path)])
    while waiting:
        node = waiting.pop()
        waiting += [one for block in BLOCKS for one in _listed(getattr(node, block, ()))]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            place = f"{path.relative_to(ROOT)}:{node.lineno}"
            found.append(FunctionSize(place, node.name, lines))
    return tuple(found)


def _listed(block: object) -> list[ast.AST]:
    """The statements of a block; a lambda's body is none."""
    return block if isinstance(block, list) else []


def test_functions_are_found_wherever_they_stand() -> None:
    tree = ast.parse(Path(__file__).read_text("utf-8"))
    expected = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    assert {one.name for one in functions(Path(__file__))} == {one.name for one in expected}
    blocks = {
        field
        for kind in vars(ast).values()
        if isinstance(kind, type)
        and issubclass(kind, (ast.stmt, ast.excepthandler, ast.match_case))
        for field, held in getattr(kind, "_field_types", {}).items()
        if held in (list[ast.stmt], list[ast.excepthandler], list[ast.match_case])
    }
    assert blocks <= set(BLOCKS)


def test_a_file_has_at_most_700_lines() -> None:
    lines = {path: path.read_text("utf-8").count("\n") for path in SOURCES}
    assert not [f"{path}: {count} lines" for path, count in lines.items() if count > 700]


def test_a_function_has_at_most_70_lines() -> None:
    assert not [one for path in SOURCES for one in functions(path) if one.lines > 70]


def test_the_median_function_of_the_product_is_small() -> None:
    sizes = sorted(one.lines for path in PRODUCT for one in functions(path))
    assert sizes
    assert sizes[len(sizes) // 2] <= 13
    assert sizes[int(len(sizes) * 0.9)] <= 40


def test_no_room_is_named_for_everything_and_nothing() -> None:
    named = {part for path in SOURCES for part in (*path.parts, path.stem)}
    assert not named & BANNED_NAMES


def lines_of_code(source: str) -> int:
    """Count the lines of a source without blank ones, comments and docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    code, starts = set[int](), True
    for token, following in pairwise(each for each in tokens if each.type not in LAYOUT):
        docstring = starts and (token.type, following.type) == (tokenize.STRING, tokenize.NEWLINE)
        starts = token.type == tokenize.NEWLINE
        if not (starts or docstring):
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code)


def test_blank_lines_comments_and_docstrings_are_not_counted() -> None:
    source = '''"""A module.

With two paragraphs.
"""

TEXT = """counted
twice"""  # a comment


def first(
    number: int,
) -> int:
    # A comment.
    """Return it."""
    return number  # another


class Second:
    """A class."""

    text: str
    """An attribute."""
'''
    assert lines_of_code(source) == 8


@pytest.mark.parametrize(
    "folder", [path for path in CONNECTORS if path.name not in WITHOUT_LIMIT], ids=lambda p: p.name
)
def test_a_connector_has_at_most_3000_lines_of_code(folder: Path) -> None:
    lines = {path: lines_of_code(path.read_text("utf-8")) for path in folder.rglob("*.py")}
    assert 0 < sum(lines.values()) <= 3_000, lines
