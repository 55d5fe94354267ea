"""The catalogs of the console's languages: gathers what it says, merges that into each, compiles.

`make messages` runs it after a text was changed or a language was added. It needs no tools of the
system: Django reads the templates, Babel the rest. What people translated is kept, what is new
stands empty, and what is not said any more goes.

What only connectors say is in the catalogs of their folders, everything else in those of the console.
"""

import ast
import gettext
import io
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from house.templates import Template, all_templates, calls_and_classes
from unlost.app.home.discovery import load_connector
from unlost.app.orgs.connector_settings import settings_of
from unlost.model.message import Noun

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / "unlost"
LOCALE = SOURCES / "web" / "locale"
CONNECTORS = SOURCES / "connectors"
DJANGO = Path(django.__file__).parent / "conf" / "locale"
TITLE = "# The console of Unlost in another language: see docs/howto/translate-the-console.md.\n"
NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)  # a catalog changes when its words do
CALLS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
}
# The label, and the help, of what a form asks; the texts of a step of the setup.
SECRETS: dict[str, tuple[int, ...] | None] = {
    "SecretField": (2, 3),
    "SignInMethod": (2, 3),
    "Suggestion": (2,),
    "BypassKind": (2, 3),
    "ChecklistStep": (2, 3, 4),
    "ArchivePolicy": (6,),
    "ProtectedRecords": (2,),
}

COMMAND_LINE = {"cli", "library", "outside", "testing"}  # never shown in the console
PLACE = re.compile(r"\{[^{}]*\}")

type Text = str | tuple[str, str]  # the second of a pair is said of many


@cache
def gathered() -> dict[Text, list[str]]:
    """Everything that the console says, in the language of the sources, and in which files."""
    found: dict[Text, list[str]] = {}
    for text, place in sorted(_everything(), key=lambda one: (one[1], str(one[0]))):
        if place not in found.setdefault(text, []):
            found[text].append(place)
    return found


def _everything() -> Iterator[tuple[Text, str]]:
    for file in sorted((SOURCES / "web").rglob("*.py")):
        yield from _of_python(file, file.read_text("utf-8"), CALLS)
    for file in sorted((SOURCES / "web" / "templates").rglob("*.html")):
        code = templatize(file.read_text("utf-8"))
        yield from _of_python(file, "\n".join(line.strip() for line in code.splitlines()), CALLS)
    for folder in sorted((SOURCES / "connectors").iterdir()):
        if (folder / "__init__.py").exists():
            yield from _of_connector(folder)
    yield from _of_messages()
    for file in sorted(SOURCES.rglob("*.py")):
        yield from _of_sign_ins(file)


def _of_sign_ins(file: Path) -> Iterator[tuple[Text, str]]:
    """Next steps that a connector gives to refused sign-ins."""
    for call in calls_and_classes(file):
        if not isinstance(call, ast.Call):
            continue
        if isinstance(call.func, ast.Name) and call.func.id == "SignInWords":
            for step in call.keywords:
                if isinstance(step.value, ast.Constant):
                    yield str(step.value.value), file.relative_to(ROOT).as_posix()


def _of_messages() -> Iterator[tuple[Text, str]]:
    """Templates of messages that can reach the console, and counted things."""
    for template in all_templates():
        package = template.file.relative_to(SOURCES).parts[0]
        if (
            package not in COMMAND_LINE
            and template.text
            and any(map(str.isalpha, _words(template)))
        ):
            yield template.text, template.file.relative_to(ROOT).as_posix()
    for noun in Noun:
        yield noun.forms, "src/unlost/model/message.py"


def _words(template: Template) -> str:
    return PLACE.sub("", template.text or "")


def _of_python(
    file: Path, code: str, calls: dict[str, tuple[int, ...] | None]
) -> Iterator[tuple[Text, str]]:
    place = file.relative_to(ROOT).as_posix()
    for _, text, _, _ in extract("python", io.BytesIO(code.encode()), keywords=calls):
        yield (text[0], text[1]) if isinstance(text, tuple) else text, place


def _of_connector(folder: Path) -> Iterator[tuple[Text, str]]:
    """What its form asks: labels and help of settings and secrets, and choices; permissions."""
    from unlost.web.forms.connector import words_of

    connector = load_connector(folder.name.replace("_", "-"))
    settings = (words_of(setting) for setting in settings_of(connector))
    for text in chain(chain.from_iterable(settings), connector.write_permissions()):
        yield text, folder.relative_to(ROOT).as_posix()
    for file in sorted(folder.rglob("*.py")):
        for pair, place in _of_python(file, file.read_text("utf-8"), SECRETS):
            texts = (pair,) if isinstance(pair, str) else pair
            yield from ((text, place) for text in texts)


def shelves() -> list[Path]:
    """Where catalogs lie: with the console, and with each connector that says something."""
    return sorted({shelf for places in gathered().values() for shelf in shelved(places)})


def shelved(places: Iterable[str]) -> dict[Path, list[str]]:
    """Where the catalogs of a text lie, with the files that say it.

    A text of connectors alone is in the catalogs of each of them, so that none changes for another.
    """
    by_shelf: dict[Path, list[str]] = {}
    for place in places:
        by_shelf.setdefault(_shelf_of(place), []).append(place)
    return {LOCALE: by_shelf[LOCALE]} if LOCALE in by_shelf else by_shelf


def _shelf_of(place: str) -> Path:
    file, folder = Path(place), CONNECTORS.relative_to(ROOT)
    if not file.is_relative_to(folder):
        return LOCALE
    return CONNECTORS / file.relative_to(folder).parts[0] / "locale"


def texts_on(shelf: Path, texts: dict[Text, list[str]]) -> dict[Text, list[str]]:
    """Those of the texts whose catalogs lie there."""
    on_shelves = ((text, shelved(places)) for text, places in texts.items())
    return {text: places[shelf] for text, places in on_shelves if shelf in places}


def file_of(language: str, kind: str, shelf: Path | None = None) -> Path:
    """Where a language's catalog lies: ``po`` for people, ``mo`` for programs."""
    return (shelf or LOCALE) / language / "LC_MESSAGES" / f"django.{kind}"


def kept(language: str, shelf: Path | None = None) -> Catalog:
    """A language's catalog as people left it; empty for a new language."""
    file = file_of(language, "po", shelf)
    text = file.read_bytes() if file.exists() else _head(language).encode()
    catalog = read_po(io.BytesIO(text), locale=language)
    catalog.creation_date = catalog.revision_date = NO_DATE
    return catalog


def plural_forms(language: str) -> str:
    """How a language counts, in the words of Django's own catalog: else Django counts twice."""
    with (DJANGO / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file).info()["plural-forms"].replace("\n", "")


def known(language: str, shelf: Path | None = None) -> dict[Any, Message]:
    """All that people translated: in the catalog that lies there, else in any other.

    So a text that moves to another catalog takes its translation along.
    """
    first = shelf or LOCALE
    order = [*(other for other in shelves() if other != first), first]
    texts = (one for each in order for one in texts_of(kept(language, each)))
    return {one.id: one for one in texts if any(_strings(one))}


def as_po(language: str, texts: dict[Text, list[str]], shelf: Path | None = None) -> bytes:
    """The catalog for people, with these texts and no others."""
    before, made = known(language, shelf), Catalog(locale=language, charset="utf-8")
    for text, places in texts.items():
        old = before.get(text)
        same = old is not None
        made.add(
            text,
            old.string if same and old is not None else None,
            locations=[(place, None) for place in places],
            flags=old.flags if same and old is not None else (),
        )
    body = io.BytesIO()
    write_po(body, made, width=100, omit_header=True, include_lineno=False)
    return _head(language).encode() + body.getvalue()


def as_mo(language: str, shelf: Path | None = None) -> bytes:
    """The catalog for programs, made of the one for people."""
    compiled = io.BytesIO()
    write_mo(compiled, kept(language, shelf))
    return compiled.getvalue()


def empty(catalog: Catalog) -> list[str]:
    """What is not translated yet, or only guessed."""
    return [str(one.id) for one in texts_of(catalog) if one.fuzzy or not all(_strings(one))]


def texts_of(catalog: Catalog) -> Iterable[Message]:
    """The texts of a catalog, without its head."""
    return (one for one in catalog if one.id)


def _strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def _head(language: str) -> str:
    fields = {
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": plural_forms(language),
    }
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in fields.items())
    return f'{TITLE}msgid ""\nmsgstr ""\n{lines}\n'


def main(languages: list[str]) -> int:
    """Renew the catalogs of these languages, or of all that there are; 1 if something is empty."""
    texts, left = gathered(), 0
    for language in languages or sorted(one.name for one in LOCALE.iterdir() if one.is_dir()):
        # All before any is written, because texts may move.
        catalogs = {shelf: as_po(language, texts_on(shelf, texts), shelf) for shelf in shelves()}
        missing: set[str] = set()  # a text of several connectors is in several catalogs
        for shelf, catalog in catalogs.items():
            file_of(language, "po", shelf).parent.mkdir(parents=True, exist_ok=True)
            file_of(language, "po", shelf).write_bytes(catalog)
            file_of(language, "mo", shelf).write_bytes(as_mo(language, shelf))
            missing |= set(empty(kept(language, shelf)))
        left += len(missing)
        sys.stdout.write(f"{language}: {len(texts)} texts, {len(missing)} to translate\n")
    return 1 if left else 0


if __name__ == "__main__":
    from unlost.web.serving import use_settings

    use_settings()
    django.setup()
    raise SystemExit(main(sys.argv[1:]))
