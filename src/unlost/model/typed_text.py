"""Text as a person typed or pasted it."""

import unicodedata


def without_invisible(text: str) -> str:
    """Text without format characters and without space around it.

    Web pages and office programs put zero-width spaces, soft hyphens and direction marks into what
    is copied from them.
    """
    shown = (character for character in text if unicodedata.category(character) != "Cf")
    return "".join(shown).strip()
