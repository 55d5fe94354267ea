"""The console's languages: all that it says is marked, and translated whole; catalogs are fresh."""

import re
from itertools import chain
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from django.conf import settings
from django.utils import translation

from house import catalogs
from house.catalogs import (
    LOCALE,
    ROOT,
    SOURCES,
    as_mo,
    as_po,
    empty,
    file_of,
    gathered,
    kept,
    plural_forms,
    shelved,
    shelves,
    texts_of,
    texts_on,
)
from house.unmarked import of_python, of_template
from unlost.model.message import Noun, counted
from unlost.web.translate import LRI, PDI, SOURCE, translate

WEB = SOURCES / "web"
OF_MAKERS = {"style"}  # for who works on the look: English
TEMPLATES = sorted(
    page for page in (WEB / "templates").rglob("*.html") if page.stem not in OF_MAKERS
)
CODE = [
    *sorted(page for page in (WEB / "pages").rglob("*.py") if page.stem not in OF_MAKERS),
    *sorted((WEB / "forms").glob("*.py")),
    WEB / "failing.py",
    *(WEB / "signin" / f"{name}.py" for name in ("accounts", "adapter", "forms", "lockout")),
]
LANGUAGES = sorted(language for language, _ in settings.LANGUAGES if language != SOURCE)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%s|%%|\{[^{}]*\}")
COUNTS = {"%(counter)s", "%(count)s", "%(count)d", "%(shown)s", "{count:,}"}
FSI = "\u2068"  # what stands between it and PDI finds its own direction
UNCOUNTED = 3  # the forms for none, one and two say the number as a word
RIGHT_TO_LEFT = [code for code in LANGUAGES if code in settings.LANGUAGES_BIDI]


def strings(message: Any) -> tuple[str, ...]:
    return message.string if message.pluralizable else (message.string,)


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


@pytest.mark.parametrize("page", TEMPLATES, ids=lambda page: str(page.relative_to(WEB)))
def test_a_template_says_nothing_that_is_not_marked(page: Path) -> None:
    assert not of_template(page.read_text("utf-8"))


@pytest.mark.parametrize("file", CODE, ids=lambda file: str(file.relative_to(WEB)))
def test_pages_say_nothing_that_is_not_marked(file: Path) -> None:
    assert not of_python(file.read_text("utf-8"))


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("<p>Lost</p>", ["Lost"]),
        ('<p title="Lost">{% translate "x" %}</p>', ["Lost"]),
        ('<input type="submit" value="Go on">', ["Go on"]),
        ("{% if a %}Lost{% else %}{{ b }}{% endif %}", ["Lost"]),
        ('<h1>{% translate "Lost" %} – Unlost</h1> {{ at }} UTC', []),
        ("{% comment %}\nLost\n{% endcomment %}{# Lost #}", []),
        ("{% blocktranslate count n=n %}{{ n }} one{% plural %}many{% endblocktranslate %}", []),
        ('<script type="application/json">{"ids": "lost"}</script>&nbsp;', []),
    ],
)
def test_what_is_not_marked_is_found(template: str, found: list[str]) -> None:
    assert of_template(template) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('forms.CharField(label="Name", help_text=_("Short."))', ["Name"]),
        ('messages.success(request, "Kept.")', ["Kept."]),
        ('messages.success(request, f"{org} is kept.")', ["f'{org} is kept.'"]),
        ('form.add_error("name", "Taken.")', ["Taken."]),
        ('raise NotFound("gone", "Gone.", next_step="Look.")', []),  # a template of a message
        ('messages.success(request, _("Kept."))', []),
    ],
)
def test_code_that_is_not_marked_is_found(code: str, found: list[str]) -> None:
    assert of_python(code) == found


def test_languages_are_those_that_have_a_catalog() -> None:
    assert [one.name for one in sorted(LOCALE.iterdir()) if one.is_dir()] == LANGUAGES


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# Those of `shelves`, as a test below proves; gathering all texts takes each worker seconds.
@pytest.fixture(params=sorted(settings.LOCALE_PATHS), ids=lambda shelf: shelf.parent.name)
def shelf(request: pytest.FixtureRequest) -> Path:
    """Where catalogs lie."""
    return Path(request.param)


@pytest.fixture
def catalog(language: str, shelf: Path) -> Catalog:
    return kept(language, shelf)


def test_a_catalog_has_all_that_the_console_says_and_nothing_else(
    language: str, shelf: Path
) -> None:
    file = file_of(language, "po", shelf)
    assert file.exists(), "run make messages"
    texts = texts_on(shelf, gathered())
    assert as_po(language, texts, shelf) == file.read_bytes(), "run make messages"


def test_programs_read_what_people_translated(language: str, shelf: Path) -> None:
    file = file_of(language, "mo", shelf)
    assert as_mo(language, shelf) == file.read_bytes(), "run make messages"
    assert shelf in settings.LOCALE_PATHS


def test_all_catalogs_are_read() -> None:
    texts = {text for place in shelves() for text in texts_on(place, gathered())}
    assert texts == gathered().keys()
    assert {*shelves()} == {*settings.LOCALE_PATHS}


def test_texts_of_connectors_lie_in_their_folders() -> None:
    toy, other = "src/unlost/connectors/toy/writer.py", "src/unlost/connectors/salesforce"
    console = "src/unlost/kit/sessions.py"
    folder = SOURCES / "connectors"
    mine = {folder / "toy" / "locale": [toy]}
    assert shelved([toy]) == mine
    assert shelved([toy, other]) == mine | {folder / "salesforce" / "locale": [other]}
    assert shelved([toy, console]) == {LOCALE: [console]}


def test_nothing_is_missing_or_guessed(catalog: Catalog) -> None:
    assert empty(catalog) == []
    assert not catalog.obsolete


def test_a_language_counts_as_it_does_in_django(language: str, catalog: Catalog) -> None:
    assert f"nplurals={catalog.num_plurals};" in plural_forms(language)
    wrong = [one.id for one in texts_of(catalog) if one.pluralizable
             and len(strings(one)) != catalog.num_plurals]  # fmt: skip
    assert not wrong


def test_values_stand_in_a_translation_as_in_its_source(catalog: Catalog) -> None:
    wrong = []
    for message in texts_of(catalog):
        source = message.id[1] if message.pluralizable else message.id
        for form, text in enumerate(strings(message)):
            left_out = COUNTS if message.pluralizable and form < UNCOUNTED else set()
            want = placeholders(source)
            if placeholders(text) not in (want, [one for one in want if one not in left_out]):
                wrong.append((source, text))
    assert not wrong


@pytest.mark.parametrize("code", RIGHT_TO_LEFT)
def test_names_and_latin_words_keep_their_own_direction(code: str) -> None:
    wrong = []
    messages = chain.from_iterable(texts_of(kept(code, shelf)) for shelf in shelves())
    for text in (text for message in messages for text in strings(message)):
        alone = re.sub(f"{LRI}[^{PDI}]*{PDI}|{FSI}(?:%\\(\\w+\\)s|%s){PDI}", "", text)
        places = (one for one in PLACEHOLDER.findall(alone) if one[0] != "{")  # isolated by code
        left = [one for one in places if one not in COUNTS | {"%%"}]
        if left or re.search(r"[A-Za-z]", PLACEHOLDER.sub("", alone)) or {LRI, FSI, PDI} & {*alone}:
            wrong.append(text)
    assert not wrong


def test_numbers_are_said_in_words_that_fit_them() -> None:
    said = {}
    with translation.override("ar"):
        for count in (0, 1, 2, 3, 11, 100):
            said[count] = translate(counted(count, Noun.TABLE))
    assert said == {
        0: "0 جدول",
        1: "جدول واحد",
        2: "جدولان",
        3: "3 جداول",
        11: "11 جدولًا",
        100: "100 جدول",
    }


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where catalogs are written, with those of Arabic."""
    connectors = tmp_path / "src" / "unlost" / "connectors"
    for place in shelves():
        copytree(place / "ar", tmp_path / place.relative_to(ROOT) / "ar")
    monkeypatch.setattr(catalogs, "ROOT", tmp_path)
    monkeypatch.setattr(catalogs, "CONNECTORS", connectors)
    monkeypatch.setattr(catalogs, "LOCALE", tmp_path / LOCALE.relative_to(ROOT))
    return catalogs.LOCALE


def test_a_new_language_begins_empty_and_counts_as_django_does(
    copies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert catalogs.main(["fr"]) == 1
    said = capsys.readouterr().out
    texts = len(gathered())
    assert said == f"fr: {texts} texts, {texts} to translate\n"
    assert (copies / "fr" / "LC_MESSAGES" / "django.mo").exists()
    assert kept("fr").num_plurals == 3


def test_what_was_translated_is_kept_and_what_is_not_said_any_more_goes(
    copies: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {one.id: one.string for one in catalogs.known("ar").values()}
    texts = gathered()
    gone = next(iter(texts))
    less: dict[Any, list[str]] = {text: where for text, where in texts.items() if text != gone}
    monkeypatch.setattr(catalogs, "gathered", lambda: less | {"A new text.": ["new.html"]})
    assert catalogs.main([]) == 1
    assert "1 to translate" in capsys.readouterr().out
    after = {one.id: one.string for one in catalogs.known("ar").values()}
    assert after == {text: said for text, said in before.items() if text != gone}
    assert empty(kept("ar")) == ["A new text."]


def test_make_messages_is_what_is_tested_here() -> None:
    rule = (SOURCES.parents[1] / "Makefile").read_text("utf-8").partition("\nmessages:")[2]
    assert "tests/house/catalogs.py $(LANGUAGE)" in rule.splitlines()[1]
