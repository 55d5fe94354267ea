"""The decoded answers have every property that the connector reads: msgspec drops the others."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import unlost.connectors.salesforce
from unlost.connectors.salesforce.http import shapes

FOLDER = Path(unlost.connectors.salesforce.__file__).parent
SHAPES = {
    "field": shapes.DescribedField,
    "describe": shapes.DescribedObject,
    "relation": shapes.ChildRelation,
    "choice": shapes.Choice,
}


def properties(variable: str) -> Iterator[str]:
    """The properties that code of the connector reads of a variable with this name."""
    for file in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                of, key = node.func.value, node.args[0] if node.args else None
                read = node.func.attr == "get"
            elif isinstance(node, ast.Subscript):
                of, key, read = node.value, node.slice, True
            else:
                continue
            named = isinstance(of, ast.Name) and of.id == variable
            if read and named and isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value


@pytest.mark.parametrize("variable", SHAPES)
def test_restricted_lists_and_rich_texts_were_dropped_when_a_describe_was_decoded(
    variable: str,
) -> None:
    read = set(properties(variable))
    assert read, "nothing is read: the variable has another name by now"
    assert read <= set(SHAPES[variable].__annotations__)
