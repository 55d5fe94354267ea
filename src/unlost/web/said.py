"""What the engine and the connectors say in English, in the language of the page.

They know nothing of languages: their sentences are looked up in the console's catalog. What it does
not know, such as a sentence with values inside, stays English and is marked as that, so that it
reads from left to right and is spoken as English.
"""

from collections.abc import Mapping

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_bidi, gettext, gettext_noop

from unlost.model.errors import UnlostError

SOURCE = "en"  # the language of the sources
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


def said(text: str | None) -> str | SafeString:
    """A sentence of the engine; marked as English where the page is in another language."""
    told = word(text or "")
    if told != text or not text or (get_language() or SOURCE).split("-")[0] == SOURCE:
        return told
    return format_html('<bdi dir="ltr" lang="{}">{}</bdi>', SOURCE, text)


def told(error: UnlostError) -> str | SafeString:
    """What happened, and what to do next."""
    parts = ((said(part),) for part in (error.sentence, error.next_step) if part)
    return format_html_join(" ", "{}", parts)


def isolated(text: str) -> str:
    """A number with its unit or sign: on pages from right to left it keeps its own direction."""
    return f"{LRI}{text}{PDI}" if get_language_bidi() else text
