"""Translate English sentences of the engine and the connectors into the language of the page.

These packages know nothing of languages: their sentences are looked up in the console's catalog,
those with values by the patterns of ``sentences``. A sentence found in neither stays English and is
marked as such, so that it is laid out left to right and read aloud as English.
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
PLACE = re.compile(r"%\((\w+)\)s")  # the place of a value
LONGEST = 2_000  # characters; longer sentences are not matched with values
LRI, PDI = "\u2066", "\u2069"  # Unicode UAX 9: text between these is laid out left to right

# Single words of the model that appear on pages.
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
    """Translate a word of the model or a connector; unchanged if it is not in the catalog."""
    return gettext(value) if value else ""


def translate(text: str | None) -> str | SafeString:
    """Translate a sentence of the engine; unknown ones are marked as English."""
    translated = word(text or "")
    if translated != text or not text or (get_language() or SOURCE).split("-")[0] == SOURCE:
        return translated
    return _with_values(text, SENTENCES) or format_html(
        '<bdi dir="ltr" lang="{}">{}</bdi>', SOURCE, text
    )


def _with_values(text: str, sentences: tuple[str, ...]) -> SafeString | None:
    """Translate a sentence that matches a pattern with values; None if none matches."""
    # Bounds the time of matching: some values come from the org.
    if len(text) > LONGEST:
        return None
    for sentence, pattern in _patterns(sentences):
        match = pattern.fullmatch(text)
        if match is not None:
            values = {name: _value(value) for name, value in match.groupdict().items()}
            return SafeString(conditional_escape(gettext(sentence)) % values)
    return None


def _value(text: str) -> str | SafeString:
    """Translate a value: a count, a word, or a sentence; other values, as names, are isolated."""
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
    """Return the patterns of sentences, those with the most fixed text first."""
    ordered = sorted(sentences, key=lambda sentence_text: -len(PLACE.sub("", sentence_text)))
    return tuple((sentence, re.compile(pattern_of(sentence), re.DOTALL)) for sentence in ordered)


def pattern_of(sentence: str) -> str:
    """Return a regular expression for a sentence, with named groups for its values."""
    parts = PLACE.split(sentence)  # texts and names by turns
    names = iter(parts[1::2])
    parts_pattern = [re.escape(parts[0])]
    for text in parts[2::2]:
        name = next(names)
        parts_pattern.append(f"(?P<{name}>{VALUES.get(name, '.+?')}){re.escape(text)}")
    return "".join(parts_pattern)


def error_text(error: UnlostError) -> str | SafeString:
    """Translate an error: the sentence and the next step."""
    parts = ((translate(part),) for part in (error.sentence, error.next_step) if part)
    return format_html_join(" ", "{}", parts)


def isolated(text: str) -> str:
    """Isolate a number with its unit or sign, so that right-to-left pages do not reorder it."""
    return f"{LRI}{text}{PDI}" if get_language_bidi() else text
