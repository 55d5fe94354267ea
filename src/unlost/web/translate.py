"""What the engine and the connectors say in English, in the language of the page.

They know nothing of languages: their sentences are looked up in the console's catalog, those with
values inside by ``sentences``. What neither knows stays English and is marked as that, so that it
reads from left to right and is spoken as English.
"""

import re
from collections.abc import Mapping
from functools import cache

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_bidi, gettext, gettext_noop

from unlost.model.errors import UnlostError
from unlost.web.sentences import COUNTED, PHRASES, SENTENCES, THINGS, VALUES

SOURCE = "en"  # the language of the sources
PLACE = re.compile(r"%\((\w+)\)s")  # where a value stands
LONGEST = 2_000  # characters of a sentence that is looked up with its values
LRI, PDI = "\u2066", "\u2069"  # Unicode UAX 9: what stands between them runs from left to right

# Single words by which the model names things; each value stands on a page as it is.
WORDS: Mapping[str, tuple[str, ...]] = {
    "orgs": (
        gettext_noop("production"),
        gettext_noop("sandbox"),
        gettext_noop("trial"),
        gettext_noop("unknown"),
    ),
    "actors": (gettext_noop("service"), gettext_noop("machine"), gettext_noop("token")),
    "hours": (
        gettext_noop("done"),
        gettext_noop("skipped"),
        gettext_noop("given-up"),
        gettext_noop("failed"),
    ),
    "checks": (
        gettext_noop("home key"),
        gettext_noop("secrets"),
        gettext_noop("database"),
        gettext_noop("vault"),
        gettext_noop("store"),
        gettext_noop("copy"),
        gettext_noop("disk"),
        gettext_noop("service"),
        gettext_noop("alerts"),
    ),
    "storages": (gettext_noop("data storage"), gettext_noop("file storage")),
}


def word(value: str) -> str:
    """A word of the model, of a connector; as it is where the catalog does not know it."""
    return gettext(value) if value else ""


def translate(text: str | None) -> str | SafeString:
    """A sentence of the engine; marked as English where the page is in another language."""
    translated = word(text or "")
    if translated != text or not text or (get_language() or SOURCE).split("-")[0] == SOURCE:
        return translated
    return _with_values(text, SENTENCES) or format_html(
        '<bdi dir="ltr" lang="{}">{}</bdi>', SOURCE, text
    )


def _with_values(text: str, sentences: tuple[str, ...]) -> SafeString | None:
    """A sentence that is known with other values; None where none is."""
    if len(text) > LONGEST:
        return None
    for sentence, pattern in _patterns(sentences):
        match = pattern.fullmatch(text)
        if match is not None:
            values = {name: _value(value) for name, value in match.groupdict().items()}
            return SafeString(conditional_escape(gettext(sentence)) % values)
    return None


def _value(text: str) -> str | SafeString:
    """A value: a number of things, a word, a sentence; or a name, which stands apart."""
    if re.fullmatch(THINGS, text):
        number, _, thing = text.partition(" ")
        count = int(number.replace(",", ""))
        words = COUNTED.get(thing if count == 1 else thing.removesuffix("s"))
        if words is not None:
            return words(count) % {"counter": number}
    known = word(text)
    if known != text:
        return conditional_escape(known)
    if text.endswith("."):
        return translate(text)
    return _with_values(text, PHRASES) or format_html("<bdi>{}</bdi>", text)


@cache
def _patterns(sentences: tuple[str, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """How each looks with values; those that say most by themselves come first."""
    ordered = sorted(sentences, key=lambda one: -len(PLACE.sub("", one)))
    return tuple((sentence, re.compile(pattern_of(sentence), re.DOTALL)) for sentence in ordered)


def pattern_of(sentence: str) -> str:
    """A regular expression of a sentence; its values are named groups."""
    parts = PLACE.split(sentence)  # texts and names by turns
    names = iter(parts[1::2])
    parts_pattern = [re.escape(parts[0])]
    for text in parts[2::2]:
        name = next(names)
        parts_pattern.append(f"(?P<{name}>{VALUES.get(name, '.+?')}){re.escape(text)}")
    return "".join(parts_pattern)


def error_text(error: UnlostError) -> str | SafeString:
    """What happened, and what to do next."""
    parts = ((translate(part),) for part in (error.sentence, error.next_step) if part)
    return format_html_join(" ", "{}", parts)


def isolated(text: str) -> str:
    """A number with its unit or sign: on pages from right to left it keeps its own direction."""
    return f"{LRI}{text}{PDI}" if get_language_bidi() else text
