"""The documentation is written in plain English, in lines of at most 100 columns."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATED = {
    "docs/explanation/performance.md",
    *(f"docs/reference/{page}.md" for page in ("api", "cli", "errors", "json", "what-comes-back")),
}
PAGES = {
    name: path.read_text("utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
    if (name := str(path.relative_to(ROOT))) not in GENERATED
}
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


def faults(page: str) -> dict[str, list[str]]:
    """The sentences of a page with a phrase that it must not use, by phrase."""
    found: dict[str, list[str]] = {}
    for sentence in sentences(PAGES[page]):
        for phrase, pattern in PHRASES.items():
            if re.search(pattern, sentence, re.IGNORECASE if pattern[1] == "b" else 0):
                found.setdefault(phrase, []).append(sentence)
    return found


@pytest.mark.parametrize("page", sorted(PAGES))
def test_lines_are_at_most_100_columns(page: str) -> None:
    lines = [(number, line) for number, line in prose(PAGES[page]) if not is_free_width(line)]
    assert not [f"{page}:{number}" for number, line in lines if len(line) > WIDEST]


@pytest.mark.parametrize("page", sorted(PAGES))
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
