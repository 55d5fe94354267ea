"""Files with lists of records: one TABLE/ID a line, or one id a line for a given table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from unlost.model.errors import UsageError

IdsFile = Annotated[
    Path | None,
    typer.Option(
        "--ids",
        metavar="FILE",
        help="Text file with one TABLE/ID on each line, or with --table one id on each line.",
    ),
]
LARGEST = 16 << 20  # bytes of a list of ids: more than a plan may have


def listed_records(file: Path, *, table: str | None) -> Iterator[str]:
    """Yield the records of a file, without empty lines; raises UsageError (``ids-unreadable``)."""
    for line in text_of(file).splitlines():
        record = line.strip()
        if record:
            yield record if "/" in record or not table else f"{table}/{record}"


def text_of(file: Path) -> str:
    """Return the text of a list of ids; raises UsageError (``ids-unreadable``)."""
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise _unreadable(file, f"it is larger than {LARGEST:,} bytes")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(file, error.strerror or "it cannot be opened") from error
    except UnicodeDecodeError as error:
        raise _unreadable(file, "it is not text in UTF-8") from error


def _unreadable(file: Path, why: str) -> UsageError:
    return UsageError(
        "ids-unreadable",
        "{file} is not a readable list of records: {why}.",
        next_step="Give a text file with one TABLE/ID a line.",
        file=file,
        why=why,
    )
