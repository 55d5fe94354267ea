"""Finds the templates of messages in the sources: for translators, and for the rules about them.

A function or class that takes a ``template`` makes messages. Its calls give the template, and often
a ``next_step``, as literals, as one of two literals, or as a constant of the module.
"""

import ast
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src" / "unlost"
TEXTS = ("template", "next_step")
STORED = {
    "Message",
    "Finding",
    "PlanNote",
    "Certificate",
    "ReadFailure",
    "HealthCheck",
}  # hold finished messages
OF_NOTES = frozenset({"table", "column", "records"})  # PlanNote.of gives these itself
NO_MAKERS = {SOURCES / "model" / "message.py", SOURCES / "web" / "translate.py"}

type Parameters = Mapping[str, int | None]
type Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Template:
    """A text of a call that makes a message. ``text`` is None if it is no literal."""

    file: Path
    line: int
    maker: str
    text: str | None
    source: str
    given: frozenset[str]

    @property
    def places(self) -> frozenset[str]:
        """The names of the arguments in the text."""
        return frozenset(
            name for _, name, _, _ in string.Formatter().parse(self.text or "") if name
        )


@cache
def all_templates() -> tuple[Template, ...]:
    """Every text of a message in all files."""
    return tuple(templates(sources()))


def templates(files: Iterable[Path]) -> Iterator[Template]:
    """Every text of a message in these files."""
    for file in files:
        tree, makers = parsed(file), makers_of(file)
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in calls_and_classes(file):
            if isinstance(node, ast.Call) and (name := _called(node)) in makers:
                known = _inner(name, makers, tree)
                yield from _texts(node, name, makers[name], constants, file, known)


@cache
def parsed(file: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(file.read_text("utf-8"))


@cache
def calls_and_classes(file: Path) -> tuple[ast.Call | ast.ClassDef, ...]:
    """All calls and classes of a file, which is walked once."""
    nodes = ast.walk(parsed(file))
    return tuple(node for node in nodes if isinstance(node, ast.Call | ast.ClassDef))


def sources() -> list[Path]:
    """The files that may make messages."""
    return sorted(set(SOURCES.rglob("*.py")) - NO_MAKERS)


def makers_of(file: Path) -> Mapping[str, Parameters]:
    """What makes messages in a file, with the positions of its texts; None: by name alone."""
    own = {
        node.name: places
        for node in parsed(file).body
        if isinstance(node, ast.FunctionDef) and (places := _parameters(node, skipped=0))
    }
    return {**public_makers(), **own}


@cache
def public_makers() -> Mapping[str, Parameters]:
    """The classes that make messages everywhere, and ``message`` itself."""
    nodes = chain.from_iterable(map(calls_and_classes, sources()))
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    found: dict[str, Parameters] = {"message": {"template": 1, "next_step": None}}
    for kind in classes:
        found |= _of_class(kind)
    for kind in chain(classes, classes, classes):  # classes below classes
        bases = [base.id for base in kind.bases if isinstance(base, ast.Name)]
        inherited = [found[base] for base in bases if base in found]
        if inherited and not any(_is_init(node) for node in kind.body):
            found[kind.name] = inherited[0]
    return found


def given_by(
    function: ast.FunctionDef, makers: Mapping[str, Parameters], tree: ast.Module
) -> frozenset[str]:
    """The arguments that a maker itself gives to the messages that it makes."""
    given: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and (name := _called(node)) in makers:
            given |= {keyword.arg for keyword in node.keywords if keyword.arg}
            given |= _inner(name, makers, tree) if name != function.name else set()
    return frozenset(given)


def _inner(name: str, makers: Mapping[str, Parameters], tree: ast.Module) -> frozenset[str]:
    if name == "PlanNote.of":
        return OF_NOTES
    inner = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    return frozenset().union(*(given_by(function, makers, tree) for function in inner))


def _of_class(kind: ast.ClassDef) -> dict[str, Parameters]:
    found: dict[str, Parameters] = {}
    fields = [
        node.target.id
        for node in kind.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    if "template" in fields and kind.name not in STORED:
        found[kind.name] = {name: fields.index(name) for name in TEXTS if name in fields}
    for node in kind.body:
        if isinstance(node, ast.FunctionDef) and (places := _parameters(node, skipped=1)):
            name = kind.name if _is_init(node) else f"{kind.name}.{node.name}"
            found[name] = places
    return found


def _is_init(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "__init__"


def _parameters(function: ast.FunctionDef, *, skipped: int) -> Parameters:
    """The texts among the parameters, without the first ones that are ``skipped``."""
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)][skipped:]
    keywords = [a.arg for a in function.args.kwonlyargs]
    if "template" not in names:
        return {}
    places = {name: names.index(name) for name in TEXTS if name in names}
    return places | {name: None for name in TEXTS if name in keywords}


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return f"{function.value.id}.{function.attr}"
    return ""


def _texts(
    call: ast.Call,
    name: str,
    places: Parameters,
    constants: Mapping[str, ast.expr],
    file: Path,
    known: frozenset[str],
) -> Iterator[Template]:
    named = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    given = (frozenset(named) | known) - {*TEXTS}
    for text, position in places.items():
        value = named.get(text)
        if value is None and position is not None and position < len(call.args):
            value = call.args[position]
        for literal in _literals(value, constants) if value is not None else ():
            plain = literal.value if isinstance(literal, ast.Constant) else None
            content = plain if isinstance(plain, str) else None
            yield Template(file, call.lineno, name, content, ast.unparse(literal), given)


def _literals(value: ast.expr, constants: Mapping[str, ast.expr]) -> Iterator[ast.expr]:
    if isinstance(value, ast.IfExp):
        yield from _literals(value.body, constants)
        yield from _literals(value.orelse, constants)
    elif isinstance(value, ast.Name) and value.id in constants:
        yield from _literals(constants[value.id], constants)
    else:
        yield value
