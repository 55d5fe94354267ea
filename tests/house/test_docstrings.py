"""Docstrings say what a thing is or does: they start with a verb or a noun phrase, never with "What"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from house.templates import parsed

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "src" / "unlost", ROOT / "simulators" / "src")
QUESTION = re.compile(r"(What|Whether|How|Who|Whose|Where|Which|Why)\b")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
# Modules of the product that a reader cannot follow without the decision behind them.
LEAST_WITH_DECISIONS = 60


def docstrings(tree: ast.AST) -> Iterator[str]:
    """List the docstrings of a module, its classes and its functions."""
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and (text := ast.get_docstring(node)):
            yield text


def files() -> Iterator[Path]:
    """List the modules of the product and of the simulators."""
    for folder in SOURCES:
        for file in sorted(folder.rglob("*.py")):
            if "migrations" not in file.parts:
                yield file


def test_no_docstring_starts_like_a_question() -> None:
    questions = [
        f"{file.relative_to(ROOT)}: {text.splitlines()[0]}"
        for file in files()
        for text in docstrings(parsed(file))
        if QUESTION.match(text)
    ]
    assert not questions, "\n".join(questions)


def test_a_docstring_that_starts_like_a_question_is_found() -> None:
    (text,) = docstrings(ast.parse('def f():\n    """What it is."""'))
    assert QUESTION.match(text)


def test_hard_modules_name_the_decision_behind_them() -> None:
    naming = [file for file in files() if re.search(r"\badr/\d{4}", file.read_text("utf-8"))]
    assert len(naming) >= LEAST_WITH_DECISIONS
    known = {page.name[:4] for page in (ROOT / "docs" / "adr").glob("*.md")}
    for file in naming:
        named = set(re.findall(r"\badr/(\d{4})", file.read_text("utf-8")))
        assert named <= known, file
