"""Exit codes: one for each kind of ending, the same with ``--json``."""

from enum import IntEnum

from unlost.model.errors import NotAllowed, UnlostError, UsageError


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    FINDINGS = 3  # done, but there is something that a person should read
    NOT_ALLOWED = 4


def exit_code(error: UnlostError) -> ExitCode:
    """The exit code of an error."""
    if isinstance(error, UsageError):
        return ExitCode.USAGE
    if isinstance(error, NotAllowed):
        return ExitCode.NOT_ALLOWED
    return ExitCode.FAILED
