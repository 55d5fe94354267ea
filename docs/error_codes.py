"""Finds every error code in the sources, with the words that a person reads beside it.

A code is found where an error class of the model, or a record that becomes one, is made with a
text as its code. Arguments of a template stand in braces, without their format.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "unlost"
EXITS = {"UsageError": 2, "NotAllowed": 4}
FORMAT = re.compile(r"\{(\w+)[!:][^{}]*\}")  # an argument with a conversion or a format
MARK = "gettext_noop"  # around a text that the console shows in other languages
MODEL = ROOT / "src" / "unlost" / "model" / "errors.py"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the sources that makes an error of a code."""

    code: str
    kind: str
    sentence: str
    next_step: str
    module: str


def error_classes() -> frozenset[str]:
    """Names of the model's error classes."""
    tree = ast.parse(MODEL.read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.ClassDef))


def error_places() -> list[Place]:
    """Every place, in the order of modules and lines."""
    classes = error_classes()
    plain = {name: name for name in classes} | _subclasses(classes)
    found: list[Place] = []
    for file in sorted(SOURCES.rglob("*.py")):
        if "testing" in file.parts or file == MODEL:
            continue
        module = ".".join(file.relative_to(SOURCES.parent).with_suffix("").parts)
        tree = ast.parse(file.read_text("utf-8"))
        tree = _NamedTexts(tree).visit(tree)
        makers = plain | _makers(tree, classes)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                found += _place(node, makers, module)
            elif isinstance(node, ast.ClassDef):
                found += _own_code(node, classes, module)
    return found


def _subclasses(classes: frozenset[str]) -> dict[str, str]:
    """Classes that take the arguments of an error class of the model, each with that class."""
    trees = [ast.parse(file.read_text("utf-8")) for file in SOURCES.rglob("*.py") if file != MODEL]
    kinds = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = {
        kind.name: base.id for kind in kinds for base in kind.bases if isinstance(base, ast.Name)
    }
    other = {kind.name for kind in kinds if any(_is_init(node) for node in kind.body)}
    found: dict[str, str] = {}
    for name in bases:
        base = name
        while base in bases and base not in other and base not in classes:
            base = bases[base]
        if base in classes:
            found[name] = base
    return found


def _is_init(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "__init__"


class _NamedTexts(ast.NodeTransformer):
    """Puts the texts of a module's constants in the place of their names."""

    def __init__(self, tree: ast.Module) -> None:
        self._texts = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name) and target.id.isupper()
        }

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._texts.get(node.id, node) if isinstance(node.ctx, ast.Load) else node


def _makers(tree: ast.Module, classes: frozenset[str]) -> dict[str, str]:
    """Functions of a module that are given a code and make an error of it."""
    found: dict[str, str] = {}
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or not function.args.args:
            continue
        first = function.args.args[0].arg
        for node in ast.walk(function):
            name = _called(node)
            if name in classes and isinstance(node, ast.Call) and node.args:
                given = node.args[0]
                if isinstance(given, ast.Name) and given.id == first:
                    found[function.name] = name
    return found


def _own_code(kind: ast.ClassDef, classes: frozenset[str], module: str) -> list[Place]:
    """The code that a class of its own gives to the error class above it."""
    bases = [base.id for base in kind.bases if isinstance(base, ast.Name) and base.id in classes]
    for node in ast.walk(kind):
        if bases and isinstance(node, ast.Call) and _called(node) == "__init__":
            return _place(node, {"__init__": bases[0]}, module)
    return []


def _called(node: ast.AST) -> str:
    """The name of what is called; empty where nothing is."""
    if not isinstance(node, ast.Call):
        return ""
    return str(getattr(node.func, "id", getattr(node.func, "attr", "")))


def _place(call: ast.Call, makers: dict[str, str], module: str) -> list[Place]:
    name = _called(call)
    if name == "SignInWords":
        return _steps(call, module)
    words = [_texts(value) for value in call.args]
    named = {key.arg: _texts(key.value) for key in call.keywords if key.arg}
    if name == "SignInHint":  # code, sentence, next step
        kind = "NotAllowed"
    elif name in makers:
        kind = makers[name]
    elif name == "ReadFailure" and len(words) == 3:  # code, sentence, next step
        kind = "SourceRefused"
    elif name == "SourceLabel" and len(words) == 2:  # its name, the first part of its codes
        words, kind = [[f"{words[1][0]}-answer-lost"], *_lost(words[0][0])], "TransientError"
    else:
        return []
    code = (words[0] if words else named.get("code", [""]))[0]
    if not code or "…" in code or " " in code:
        return []
    sentences = words[1] if len(words) > 1 else named.get("sentence", [""])
    steps = words[2] if len(words) > 2 else named.get("next_step", [""])
    longest = max(len(sentences), len(steps))
    pairs = zip(_filled(sentences, longest), _filled(steps, longest), strict=True)
    return [Place(code, kind, sentence, step, module) for sentence, step in pairs]


def _lost(source: str) -> list[list[str]]:
    """The sentence and the next step of ``unlost.kit.http.once.AnswerLost`` for a source."""
    tree = ast.parse((SOURCES / "kit" / "http" / "once.py").read_text("utf-8"))
    (call,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _called(node) == "__init__"
    )
    named = {key.arg: key.value for key in call.keywords}
    return [[_text(call.args[1]).replace("{source}", source)], [_text(named["next_step"])]]


def _steps(call: ast.Call, module: str) -> list[Place]:
    """The next steps that a connector gives to errors of the kit; it names them by their codes."""
    codes = {key.arg.replace("_", "-"): _text(key.value) for key in call.keywords if key.arg}
    kinds = {"private-key-unreadable": "UsageError"}
    return [
        Place(code, kinds.get(code, "NotAllowed"), "", step, module) for code, step in codes.items()
    ]


def _filled(texts: list[str], count: int) -> list[str]:
    return [*texts, *[texts[-1]] * (count - len(texts))]


def _texts(node: ast.expr) -> list[str]:
    """A text, or both of a condition."""
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body), *_texts(node.orelse)]
    return [_text(node)]


def _text(node: ast.expr) -> str:
    """A text as far as the sources tell it; everything else is an ellipsis."""
    if isinstance(node, ast.Constant):
        return FORMAT.sub(r"{\1}", node.value) if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        parts = [_text(part) if isinstance(part, ast.Constant) else "…" for part in node.values]
        return "".join(parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    if _called(node) == MARK and isinstance(node, ast.Call):
        return _text(node.args[0])
    return ""
