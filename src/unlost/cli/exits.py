"""Exit codes, the same with and without ``--json``."""

from enum import IntEnum

from unlost.model.errors import NotAllowed, UnlostError, UsageError


class ExitCode(IntEnum):
    """The exit code of a command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    FINDINGS = 3  # done, with findings that a person should read
    NOT_ALLOWED = 4


def exit_code(error: UnlostError) -> ExitCode:
    """Return the exit code of an error."""
    # The classes of errors say what the caller must do, so they decide the code, too.
    if isinstance(error, UsageError):
        return ExitCode.USAGE
    if isinstance(error, NotAllowed):
        return ExitCode.NOT_ALLOWED
    return ExitCode.FAILED
