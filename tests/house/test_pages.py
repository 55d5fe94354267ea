"""Each page says which methods it takes."""

import ast
from collections.abc import Iterator
from pathlib import Path

PAGES = Path(__file__).parents[2] / "src" / "unlost" / "web" / "pages"
METHODS = {"require_GET", "require_POST", "require_http_methods", "require_safe"}
# Called by views: they show a plan in the answer to another request.
PARTS = {
    "orgs/waiting_plans.py: planned_again",
    "restores/restore.py: page",
    "restores/restore.py: planning",
}


def decorators(function: ast.FunctionDef) -> set[str]:
    called = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
    return {d.id for d in called if isinstance(d, ast.Name)}


def views(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Public functions that answer a request."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or not node.args.args:
            continue
        kind = node.args.args[0].annotation
        answers = ast.unparse(node.returns) if node.returns is not None else ""
        if isinstance(kind, ast.Name) and kind.id == "UserRequest" and "Response" in answers:
            yield node


def all_views() -> Iterator[tuple[str, set[str]]]:
    for file in sorted(PAGES.rglob("*.py")):
        for view in views(ast.parse(file.read_text("utf-8"))):
            yield f"{file.relative_to(PAGES)}: {view.name}", decorators(view)


def test_each_page_says_which_methods_it_takes() -> None:
    assert {name for name, marks in all_views() if not marks & METHODS} == PARTS


def test_a_page_without_methods_is_found() -> None:
    program = "@needs(Right.READ)\ndef page(request: UserRequest) -> HttpResponse:\n    pass\n"
    (view,) = views(ast.parse(program))
    assert decorators(view) == {"needs"}
