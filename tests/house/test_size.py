"""The house rules on size: small functions, files with one subject, and no rooms without a name."""

import ast
from pathlib import Path

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


def long_functions(path: Path, tree: ast.AST) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {size} lines"
        for node in functions(tree)
        if (size := (node.end_lineno or node.lineno) - node.lineno + 1) > 70
    ]


def test_a_file_has_at_most_700_lines() -> None:
    lines = {path: path.read_text("utf-8").count("\n") for path in SOURCES}
    assert not [f"{path}: {count} lines" for path, count in lines.items() if count > 700]


def test_a_function_has_at_most_70_lines() -> None:
    trees = {path: ast.parse(path.read_text("utf-8")) for path in SOURCES}
    assert not [line for path, tree in trees.items() for line in long_functions(path, tree)]


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
