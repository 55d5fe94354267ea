"""Each document keeps its shape and its text, and texts of the release that was pinned are read."""

import ast
import json
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

import unlost
from pins.documents import ANSWERS, DOCUMENTS, PARTS, Document
from pins.examples import Examples, turns
from pins.interfaces import ACTIONS, hints
from pins.layouts import LAYOUTS
from pins.pinned import GOLDEN, check_lines, compact, golden, golden_lines, readable
from pins.shapes import is_union, shape, value_shape

SOURCES = Path(unlost.__file__).parent
READERS = {"decoder_for": 0, "unpack": 1}  # with the position of the type among their arguments
KINDS = ("whole", "minimal")
EARLIER = [
    (name, kind)
    for name in DOCUMENTS
    for kind in json.loads(golden(f"examples/{name}.json"))
    if kind.startswith("earlier")
]


@pytest.fixture(params=DOCUMENTS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def example(document: Document, kind: str) -> Any:
    examples = Examples(document.fixed)
    return document.seal(getattr(examples, kind)(document.kind))


def golden_example(name: str, kind: str) -> bytes:
    return compact(json.loads(golden(f"examples/{name}.json"))[kind])


def test_each_document_has_golden_files() -> None:
    for folder, ending in (("shapes", "txt"), ("examples", "json")):
        files = {file.relative_to(GOLDEN / folder) for file in (GOLDEN / folder).rglob("*.*")}
        assert files == {Path(f"{name}.{ending}") for name in DOCUMENTS}


def test_the_shape_stays(name: str) -> None:
    check_lines(golden_lines(f"shapes/{name}.txt"), shape(DOCUMENTS[name].kind))


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_stays(name: str, kind: str) -> None:
    document = DOCUMENTS[name]
    text = document.write(example(document, kind))
    assert readable(text) == readable(golden_example(name, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_the_golden_text_is_read(name: str, kind: str) -> None:
    document = DOCUMENTS[name]
    assert document.read(golden_example(name, kind)) == example(document, kind)


@pytest.mark.parametrize(("name", "kind"), EARLIER)
def test_a_text_without_later_fields_is_read(name: str, kind: str) -> None:
    document = DOCUMENTS[name]
    text = golden_example(name, kind)
    written = json.loads(document.write(document.read(text)))
    assert set(value_shape(json.loads(text))) <= set(value_shape(written))


def test_each_member_of_its_enums_and_unions_is_written_and_read(name: str) -> None:
    document = DOCUMENTS[name]
    for turn in range(turns(document.kind)):
        value = document.seal(Examples(document.fixed).whole(document.kind, turn=turn))
        assert document.read(document.write(value)) == value


def types_read_in(file: Path) -> Iterator[Any]:
    """List the types that a module reads from JSON, as far as it names them."""
    text = file.read_text("utf-8")
    calls = any(f"{reader}(" in text for reader in READERS) or "result=" in text
    for node in ast.walk(ast.parse(text)) if calls else ():
        if isinstance(node, ast.Call):
            position = READERS.get(ast.unparse(node.func), len(node.args))
            results = [keyword.value for keyword in node.keywords if keyword.arg == "result"]
            for argument in (*node.args[position : position + 1], *results):
                yield from _evaluated(ast.unparse(argument), file)


def _evaluated(text: str, file: Path) -> Iterator[Any]:
    parts = ("unlost", *file.relative_to(SOURCES).with_suffix("").parts)
    module = import_module(".".join(parts).removesuffix(".__init__"))
    with suppress(NameError):  # a parameter: its callers name the type
        yield from _members(eval(text, vars(module)))


def _members(kind: Any) -> Iterator[Any]:
    if is_union(kind) or get_origin(kind) is list:
        for member in get_args(kind):
            yield from _members(member)
    else:
        yield kind


def test_each_type_that_is_read_from_json_is_pinned() -> None:
    types = {kind for file in SOURCES.rglob("*.py") for kind in types_read_in(file)}
    documents = {document.kind for document in DOCUMENTS.values()}
    results = {hints(action.call)["return"] for action in ACTIONS.values()}
    layouts = {type(layout.value) for layout in LAYOUTS.values()}
    assert len(types & documents) > 30
    assert types - documents - results - layouts - {*PARTS, *ANSWERS} == set()
