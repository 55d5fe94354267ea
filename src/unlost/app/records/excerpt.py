"""The first words of a text, for records that have no name."""

import re
from html.parser import HTMLParser

LONGEST = 80  # characters, so that a line of a list has room for it
READ = 4_000  # characters of a text that are looked at
_TAG = re.compile(r"<(?:[a-zA-Z][^<>]*|/[a-zA-Z][^<>]*|!--.*?--)>", re.DOTALL)
_UNSHOWN = frozenset({"script", "style", "head", "title"})


def excerpt(text: str) -> str:
    """Return the first words of a text, without HTML and line breaks; "…" stands for the rest."""
    start = text[:READ]
    words = " ".join((_without_tags(start) if _TAG.search(start) else start).split())
    if len(words) <= LONGEST:
        return words
    cut = words[: LONGEST - 1]
    whole = cut if words[LONGEST - 1] == " " else cut.rpartition(" ")[0]
    # A long word, such as an address, is cut.
    return f"{whole if len(whole) > LONGEST // 2 else cut}…"


class _Texts(HTMLParser):
    """Collects the texts of a page that people see."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._unshown = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._unshown += tag in _UNSHOWN
        self.texts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._unshown = max(self._unshown - (tag in _UNSHOWN), 0)
        self.texts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._unshown:
            self.texts.append(data)


def _without_tags(text: str) -> str:
    parser = _Texts()
    # A tag that the cut left open would otherwise count as text.
    parser.feed(re.sub(r"<[^<>]*$", "", text))
    parser.close()
    return "".join(parser.texts)
