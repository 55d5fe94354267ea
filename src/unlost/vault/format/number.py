"""The number of the vault's format: the one place that says it.

Format 1 is closed: every later release reads it. Format 0 came before it and is laid out alike, so whoever
reads 1 reads 0 too. What is written carries ``FORMAT``, what was written keeps the number that it has.
"""

from unlost.model.errors import UsageError

FORMAT = 1


def check_number(number: object, *, name: str) -> None:
    """Refuse what a newer Unlost wrote; raises UsageError (``format-newer``)."""
    if isinstance(number, int) and number > FORMAT:
        raise newer(name, number)


def newer(name: str, number: int, *, upto: int | None = None) -> UsageError:
    """The error for an object of a format that this release does not know.

    ``upto`` is the newest that it does, where that is not the format of the vault.
    """
    known = FORMAT if upto is None else upto
    return UsageError(
        "format-newer",
        f"“{name}” has format {number}; this release of Unlost reads up to format {known}.",
        next_step="Install a newer release of Unlost and try again. Nothing was changed.",
    )
