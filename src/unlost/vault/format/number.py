"""The number of the vault's format, defined here only.

Format 1 is closed: every later release reads it. Every object carries ``FORMAT``; an object with
another number is refused. See docs/adr/0031.
"""

from unlost.model.errors import UsageError

FORMAT = 1


def check_number(number: object, *, name: str) -> None:
    """Refuse every other format; raises UsageError (``format-newer``, ``format-unknown``)."""
    if not isinstance(number, int) or number == FORMAT:
        return
    raise newer(name, number) if number > FORMAT else _unknown(name, number)


def newer(name: str, number: int, *, upto: int | None = None) -> UsageError:
    """The error for an object of a newer format than this release reads.

    ``upto`` is the newest format that it reads, if that is not the format of the vault.
    """
    known = FORMAT if upto is None else upto
    return UsageError(
        "format-newer",
        "“{name}” has format {number}. This release of Unlost reads formats up to {known}.",
        next_step="Install a newer release of Unlost and try again. Nothing was changed.",
        name=name,
        number=number,
        known=known,
    )


def _unknown(name: str, number: int) -> UsageError:
    return UsageError(
        "format-unknown",
        "“{name}” has format {number}, which no release of Unlost writes.",
        next_step="Restore it from a mirror of the vault. Nothing was changed.",
        name=name,
        number=number,
    )
