"""Finds what a person would read on a page and no catalog could translate, for it is not marked."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser

BLOCKS = re.compile(
    r"{%\s*(comment|blocktranslate)\b.*?{%\s*end\1\s*%}|{#.*?#}", re.DOTALL
)  # what is left out, and what is marked as a whole
TAGS = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
READ = {"title", "alt", "aria-label", "aria-description", "placeholder", "data-label", "label"}
NAMES = {"Unlost", "UTC", "Slack", "Microsoft Teams"}  # are the same in every language
WORDS = re.compile(r"[^\W\d_]{2,}")
ASKED = {"label", "help_text", "empty_label", "initial_text"}


class _Page(HTMLParser):
    """The texts of a page that stand there as they are."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        kind = dict(attrs).get("type")
        for name, value in attrs:
            button = tag == "input" and name == "value" and kind in ("submit", "button", "reset")
            if name in READ or button:
                self._note(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._note(data)

    def _note(self, text: str) -> None:
        left = text
        for name in NAMES:
            left = re.sub(rf"\b{name}\b", "", left)
        if WORDS.search(left):
            self.found.append(" ".join(text.split()))


def of_template(text: str) -> list[str]:
    """Texts of a template that are not marked: between its tags, and in attributes that are read."""
    page = _Page()
    page.feed(TAGS.sub("\n", BLOCKS.sub("", text)))
    page.close()
    return page.found


def of_python(text: str) -> list[str]:
    """Texts of a page's code that are not marked: labels and notices. Errors need no mark."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return [unmarked for call in calls for unmarked in _bare(call)]


def _bare(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    owner = getattr(getattr(call.func, "value", None), "id", "")
    shown = [key.value for key in call.keywords if key.arg in ASKED]
    if owner == "messages" or name in ("add_error", "ValidationError"):
        shown += call.args[1:] if owner == "messages" or name == "add_error" else call.args
        yield from (ast.unparse(one) for one in shown if isinstance(one, ast.JoinedStr))
    for one in shown:
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and WORDS.search(one.value):
            yield one.value
