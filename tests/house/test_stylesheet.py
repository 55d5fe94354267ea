"""The one stylesheet: what is for the desktop stands in no rule of the phone's, and nothing is said twice."""

import re
from collections import Counter
from pathlib import Path

SHEET = Path(__file__).parents[2] / "src" / "unlost" / "web" / "static" / "unlost" / "unlost.css"
TEMPLATES = SHEET.parents[2] / "templates"
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def bare() -> str:
    return COMMENT.sub("", SHEET.read_text("utf-8"))


def outermost() -> list[str]:
    """Selectors of rules that stand in no other."""
    found, depth, start = [], 0, 0
    for at, char in enumerate(bare()):
        if char == "{":
            if depth == 0:
                found.append(bare()[start:at].strip())
            depth += 1
        elif char == "}":
            depth -= 1
            start = at + 1
            assert depth >= 0
    assert depth == 0, "a rule is not closed: all that follows is lost to the others"
    return found


def test_every_rule_is_closed_and_media_queries_are_short() -> None:
    """A brace was lost in the phone's rules once, and desktops lost half of their look."""
    inside = re.findall(r"@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}", bare())
    assert inside
    assert max(len(part) for part in inside) < len(bare()) / 8
    assert len(outermost()) > 100


def test_nothing_is_said_twice() -> None:
    twice = [name for name, count in Counter(outermost()).items() if count > 1]
    assert not [name for name in twice if not name.startswith("@media")]


def test_every_class_of_the_sheet_is_used() -> None:
    known = set(re.findall(r"\.([a-z][a-z-]*)", bare()))
    said = " ".join(page.read_text("utf-8") for page in TEMPLATES.rglob("*.html"))
    code = " ".join(file.read_text("utf-8") for file in SHEET.parents[3].rglob("*.py"))
    known -= {"errorlist"}  # Django's own
    unused = [name for name in known if not re.search(rf"\b{name}\b", said + code)]
    assert unused == []


def test_no_rule_breaks_words_wherever_a_line_ends() -> None:
    """Narrow columns broke numbers and words inside: such a rule lets them shrink to one letter."""
    assert not re.findall(r"overflow-wrap:\s*anywhere|word-break:\s*break-all", bare())
