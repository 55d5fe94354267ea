"""A page as somebody reads it who knows no English: what is left of it that is in Latin letters."""

import re
from html.parser import HTMLParser

from django.test import Client

LATIN = re.compile(r"[A-Za-z][A-Za-z.@-]+")
ISOLATED = re.compile("[\u2066\u2068][^\u2069]*\u2069")
READ = ("title", "alt", "aria-label", "placeholder", "data-label")
VOID = {"meta", "link", "input", "img", "br", "use", "line", "circle", "polyline", "polygon"}
SILENT = {"script", "style"}
OWN = {"Unlost", "UTC"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._apart: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in READ:
            if tag != "time" and not any(self._apart):
                self._note(given.get(name) or "")
        if tag not in VOID:
            english = given.get("dir") == "ltr" or given.get("lang") == "en"
            choice = (
                tag == "option" and given.get("dir") == "auto"
            )  # a name: no tag can stand in it
            self._apart.append(tag in SILENT or tag == "bdi" or english or choice)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._apart.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._apart):
            self._note(data)

    def _note(self, text: str) -> None:
        self.found += LATIN.findall(ISOLATED.sub(" ", text))


def latin_in(page: str) -> set[str]:
    """Latin words that do not stand apart from the Arabic around them."""
    reader = _Reader()
    reader.feed(page)
    return set(reader.found) - OWN


def in_arabic(client: Client) -> Client:
    """The client with a browser that asks for Arabic."""
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ar"
    return client


def told(client: Client, place: str, *, status: int = 200) -> str:
    """A page from right to left."""
    answer = client.get(place)
    page = str(answer.content.decode())
    assert answer.status_code == status, f"{place}: {answer.status_code} {answer.headers}"
    assert '<html lang="ar" dir="rtl"' in page
    assert answer["Content-Language"] == "ar"
    return page
