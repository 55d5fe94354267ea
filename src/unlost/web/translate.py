"""Translate messages of the engine and the connectors into the language of the page.

These packages know nothing of languages. A message carries its template and its arguments: the
template is looked up in the console's catalog, and the arguments are put into the translation. A
text that is not in the catalog, such as a message of an org, is marked as English, so that it is
laid out left to right and read aloud as English.
"""

import re
from collections.abc import Mapping

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import (
    get_language,
    get_language_bidi,
    gettext,
    gettext_noop,
    ngettext,
)

from unlost.model.errors import UnlostError
from unlost.model.message import Arg, Message, render
from unlost.web.console_steps import CONSOLE_STEPS

SOURCE = "en"  # the language of the sources
PLACE = re.compile(r"\{[^{}]*\}")  # the place of an argument
# Arguments that name things of an org: a table called Note is not the word "note".
NAMES = frozenset({"table", "column", "org", "user", "record"})
LRI, PDI = "\u2066", "\u2069"  # Unicode UAX 9: text between these is laid out left to right

# Single words of the model that appear on pages.
WORDS: Mapping[str, tuple[str, ...]] = {
    "orgs": (
        gettext_noop("production"),
        gettext_noop("sandbox"),
        gettext_noop("trial"),
        gettext_noop("unknown"),
    ),
    "actors": (
        gettext_noop("service"),
        gettext_noop("machine"),
        gettext_noop("token"),
        gettext_noop("schedule"),
    ),
    "hours": (
        gettext_noop("done"),
        gettext_noop("skipped"),
        gettext_noop("given-up"),
        gettext_noop("failed"),
    ),
    "checks": (
        gettext_noop("home key"),
        gettext_noop("service key"),
        gettext_noop("service key change"),
        gettext_noop("credentials"),
        gettext_noop("secrets"),
        gettext_noop("database"),
        gettext_noop("vault"),
        gettext_noop("format"),
        gettext_noop("store"),
        gettext_noop("settings copy"),
        gettext_noop("mirror"),
        gettext_noop("removals"),
        gettext_noop("blocked org"),
        gettext_noop("key location"),
        gettext_noop("master key"),
        gettext_noop("register"),
        gettext_noop("register copies"),
        gettext_noop("unknown keys"),
        gettext_noop("shredding"),
        gettext_noop("shredding copies"),
        gettext_noop("keys"),
        gettext_noop("disk"),
        gettext_noop("service"),
        gettext_noop("alerts"),
    ),
    "storages": (gettext_noop("data storage"), gettext_noop("file storage")),
}


def word(value: str) -> str:
    """Translate a word of the model or a connector; unchanged if it is not in the catalog."""
    return gettext(value) if value else ""


def translate(text: Message | str | None) -> str | SafeString:
    """Translate a sentence; one that is not in the catalog is marked as English."""
    if not text:
        return ""
    if isinstance(text, str):
        words = CONSOLE_STEPS.get(text, text)
        return _translated(words, words, {})
    if text.singular:
        return _counted(text)
    return _translated(text.sentence, text.template, text.args)


def next_step(text: Message | None) -> str | SafeString:
    """Translate the next step of a message, as ``translate`` does its sentence.

    A command for which the console has a page or button is replaced by the words for that.
    """
    if text is None:
        return ""
    words = CONSOLE_STEPS.get(text.next_template)
    if words is None:
        return _translated(text.next_step, text.next_template, text.args)
    return _translated(render(words, text.args), words, text.args)


def sentences(text: Message) -> list[Message]:
    """Return the messages that a message only joins; the message itself if it has words."""
    parts = [value for value in text.args.values() if isinstance(value, Message)]
    if not parts or not _only_places(text.template):
        return [text]
    return [sentence for part in parts for sentence in sentences(part)]


def _translated(english: str, template: str, args: Mapping[str, Arg]) -> str | SafeString:
    """Translate a template and put in the arguments; ``english`` is the finished sentence."""
    if not english or (get_language() or SOURCE).split("-")[0] == SOURCE:
        return english
    translation = gettext(template) if template else ""
    if not translation or (translation == template and not _only_places(template)):
        return format_html('<bdi dir="ltr" lang="{}">{}</bdi>', SOURCE, english)
    values = {name: _value(value, is_name=name in NAMES) for name, value in args.items()}
    return SafeString(render(conditional_escape(translation), values))


def _only_places(template: str) -> bool:
    """True for a template that only joins its arguments: it has no words to translate."""
    return template.startswith("{") and not any(map(str.isalpha, PLACE.sub("", template)))


def _counted(text: Message) -> str:
    number = text.args["count"]
    assert isinstance(number, int), "a count is a whole number"
    return render(ngettext(text.singular, text.template, number), {"count": number})


def _value(value: Arg, *, is_name: bool) -> str | int | float | SafeString:
    """Translate an argument that is a message or a known word; names and other texts are isolated."""
    if isinstance(value, Message):
        return conditional_escape(translate(value))
    if isinstance(value, str):
        known = value if is_name else word(value)
        return conditional_escape(known) if known != value else format_html("<bdi>{}</bdi>", value)
    return value


def error_text(error: UnlostError) -> str | SafeString:
    """Translate an error: the sentence and the next step."""
    parts = (translate(error.message), next_step(error.message))
    return format_html_join(" ", "{}", ((part,) for part in parts if part))


def isolated(text: str) -> str:
    """Isolate a number with its unit or sign, so that right-to-left pages do not reorder it."""
    return f"{LRI}{text}{PDI}" if get_language_bidi() else text
