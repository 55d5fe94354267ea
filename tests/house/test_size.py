"""The house rules on size: small functions, files with one subject, and no rooms without a name."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("src", "simulators/src", "tests", "benchmarks", "demo")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and "node_modules" not in path.parts
)
PRODUCT = [path for path in SOURCES if path.is_relative_to(ROOT / "src")]
BANNED_NAMES = {"utils", "helpers", "common", "manager", "misc"}


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_at_most_700_lines_and_its_functions_70(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 700
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in functions(ast.parse(text))
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > 70
    ]
    assert not long


def test_the_median_function_of_the_product_is_small() -> None:
    sizes = sorted(
        node.end_lineno - node.lineno + 1
        for path in PRODUCT
        for node in functions(ast.parse(path.read_text(encoding="utf-8")))
        if node.end_lineno is not None
    )
    assert sizes
    assert sizes[len(sizes) // 2] <= 13
    assert sizes[int(len(sizes) * 0.9)] <= 40


def test_no_room_is_named_for_everything_and_nothing() -> None:
    named = {part for path in SOURCES for part in (*path.parts, path.stem)}
    assert not named & BANNED_NAMES
