"""The documentation is written in plain English, in lines of at most 100 columns."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from house.catalogs import gathered

ROOT = Path(__file__).parents[2]
GENERATED = {
    "docs/explanation/performance.md",
    *(f"docs/reference/{page}.md" for page in ("api", "cli", "errors", "json", "what-comes-back")),
}
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
}
CONSOLE = "texts of the console"
WIDEST = 100
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`[^`]*`")
TARGET = re.compile(r"\]\([^)]*\)|<[^>]*>")
LINK_ONLY = re.compile(r"(?:[-*] |\d+\. )?!?\[[^\]]*\]\([^)]*\)[.,:;]?")
SENTENCE_START = r"(?:^|(?<=[.:!?] )|(?<=\| )|(?<=^- ))"
PHRASES = {
    "tell": r"\b(?:tells?|told)\b",
    "whoever": r"\bwho(?:m|so)?ever\b",
    "but for": r"\bbut for\b",
    "but that": r"\bbut that\b",
    "that which": r"\bthat which\b",
    "at once": r"\bat once\b",
    "of its own": r"\bof (?:its|their|his|her) own\b(?! [a-z])",
    "by itself": r"\bby (?:itself|himself|themselves)\b",
    "dear": r"\bdear(?:er|ly)?\b",
    "ill": r"\bill\b",
    "nobody": r"\bnobody\b",
    "somebody": r"\bsomebody\b",
    "What is …": rf"{SENTENCE_START}What (?:is|was|are|were|has|had|can|cannot|must|they|it)\b[^?|]*$",
    "Who …": rf"{SENTENCE_START}Who (?!may\b)[a-z]+\b[^?]*$",
    "metaphor": r"\b(?:brakes?|desks?|seats?|veils?|lanes?)\b",
}
# (page, phrase): why it stays
EXCEPTIONS = {
    ("docs/reference/vault-format/minimal-reader.md", "metaphor"): "Argon2 has lanes",
    ("docs/reference/errors.md", "nobody"): "codes are stable",
}


def prose(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a page outside code fences, with their numbers."""
    blank = FENCE.sub(lambda fence: "\n" * fence.group().count("\n"), text)
    yield from enumerate(blank.splitlines(), start=1)


def is_free_width(line: str) -> bool:
    """Whether a line may be longer: a row of a table, HTML, or a link and nothing else."""
    stripped = line.strip()
    return stripped.startswith(("|", "<")) or LINK_ONLY.fullmatch(stripped) is not None


def sentences(text: str) -> Iterator[str]:
    """Paragraphs, headings and rows of tables in one line each, without code and link targets."""
    lines = "\n".join(line for _, line in prose(text))
    joined = re.sub(r"\n(?!\n|[|#]| *[-*] | *\d+\. )", " ", lines)
    plain = TARGET.sub("]", INLINE.sub("CODE", joined))
    for block in plain.splitlines():
        yield from re.split(r"(?<=[.!?]) +", block.strip())


@cache
def console_texts() -> str:
    """The texts of the console and of all messages, one in each paragraph."""
    texts = (text if isinstance(text, str) else " ".join(text) for text in gathered())
    return "\n\n".join(" ".join(text.split()) for text in texts)


def faults(page: str) -> dict[str, list[str]]:
    """The sentences of a page with a phrase that it must not use, by phrase."""
    found: dict[str, list[str]] = {}
    for sentence in sentences(console_texts() if page == CONSOLE else PAGES[page]):
        for phrase, pattern in PHRASES.items():
            if re.search(pattern, sentence, re.IGNORECASE if pattern[1] == "b" else 0):
                found.setdefault(phrase, []).append(sentence)
    return found


@pytest.mark.parametrize("page", sorted(PAGES.keys() - GENERATED))
def test_lines_are_at_most_100_columns(page: str) -> None:
    lines = [(number, line) for number, line in prose(PAGES[page]) if not is_free_width(line)]
    assert not [f"{page}:{number}" for number, line in lines if len(line) > WIDEST]


@pytest.mark.parametrize("page", sorted([*PAGES, CONSOLE]))
def test_sentences_use_plain_words(page: str) -> None:
    left = {
        phrase: found for phrase, found in faults(page).items() if (page, phrase) not in EXCEPTIONS
    }
    assert not left


def test_exceptions_are_few_and_still_occur() -> None:
    assert len(EXCEPTIONS) <= 8
    assert not [key for key in EXCEPTIONS if key[1] not in faults(key[0])]


def test_a_stilted_sentence_is_noticed() -> None:
    assert re.search(PHRASES["tell"], "Only what is urgent is told.")
    assert re.search(PHRASES["What is …"], "What is forgotten cannot come back.")
    assert not re.search(PHRASES["What is …"], "What is in it?")
