"""An error as the API tells it: the same object as ``--json`` of the command line."""

from dataclasses import dataclass

from unlost.model.errors import UnlostError


@dataclass(frozen=True, slots=True)
class Told:
    """What went wrong: a stable code, a sentence, what to do next, and the page that explains it."""

    code: str
    sentence: str
    next_step: str
    page: str


@dataclass(frozen=True, slots=True)
class Problem:
    """An error."""

    error: Told


def told(error: UnlostError) -> Problem:
    """An error of ours."""
    return Problem(Told(error.code, error.sentence, error.next_step, error.page))
