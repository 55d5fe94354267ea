"""Names in the product: each public class has a name of its own, which grep finds at one place."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from house.templates import parsed

SOURCES = Path(__file__).parents[2] / "src" / "unlost"


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """List the modules of the product, parsed; migrations are written by Django."""
    for file in sorted(SOURCES.rglob("*.py")):
        if "migrations" not in file.parts:
            yield file, parsed(file)


def repeated(classes: dict[str, list[str]]) -> dict[str, list[str]]:
    """The names that more than one module gives to a class, with those modules."""
    return {name: places for name, places in classes.items() if len(places) > 1}


def test_no_two_public_classes_have_the_same_name() -> None:
    classes: dict[str, list[str]] = defaultdict(list)
    for file, tree in modules():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes[node.name].append(str(file.relative_to(SOURCES)))
    assert len(classes) > 500
    assert repeated(classes) == {}


def test_a_name_that_is_used_twice_is_found() -> None:
    assert repeated({"Look": ["a.py", "b.py"], "Plan": ["c.py"]}) == {"Look": ["a.py", "b.py"]}


VAGUE = frozenset({
    "one", "told", "found", "held", "own", "said", "asked", "left", "made", "kept",
})  # fmt: skip
# Written in requests, documents and tables of the database.
MOST_VAGUE = 14


def bindings(tree: ast.AST) -> Iterator[str]:
    """List each name that a variable, a parameter, a function or an attribute gets."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.MatchAs) and node.name:
            yield node.name


def test_values_are_called_by_their_nouns() -> None:
    vague = [
        f"{file.relative_to(SOURCES)}: {name}"
        for file, tree in modules()
        for name in bindings(tree)
        if name.lower() in VAGUE
    ]
    assert len(vague) <= MOST_VAGUE, "\n".join(vague)


def test_a_vague_name_is_found() -> None:
    program = "def told(one):\n    for found in one:\n        self.held = [own for own in found]\n"
    assert sorted(bindings(ast.parse(program))) == ["found", "held", "one", "own", "told"]


# A key of a stored draft, which an earlier version wrote.
MOST_VAGUE_KEYS = 1


def context_keys(tree: ast.AST) -> Iterator[str]:
    """List the keys of dictionaries and of assignments to them; values of a text are left out."""
    texts = {
        id(node.right)
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)
    }
    for node in ast.walk(tree):
        keys: list[ast.expr | None] = []
        if isinstance(node, ast.Dict) and id(node) not in texts:
            keys = list(node.keys)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            keys = [node.slice]
        for key in keys:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value


def test_values_of_pages_are_called_by_their_nouns() -> None:
    vague = [
        f"{file.relative_to(SOURCES)}: {key}"
        for file, tree in modules()
        if file.is_relative_to(SOURCES / "web")
        for key in context_keys(tree)
        if key in VAGUE
    ]
    assert len(vague) <= MOST_VAGUE_KEYS, "\n".join(vague)


def test_a_vague_key_is_found() -> None:
    program = 'context = {"told": 1, **more}\ncontext["held"] = 2\ntext % {"kept": 3}\n'
    assert sorted(context_keys(ast.parse(program))) == ["held", "told"]
