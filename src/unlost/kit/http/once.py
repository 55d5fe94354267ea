"""Calls that write: made once. A lost answer is reported; the call is not repeated.

A write call whose answer did not come may have taken effect, and few sources can tell a repeated
call from a new one. So ``HttpClient`` repeats a call that is not ``repeatable`` only after a failure
that proves that it had no effect. The connector then looks for the effect. See docs/adr/0062.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from unlost.kit.http.messages import CallFailure
from unlost.kit.http.table import NO_ANSWER, AnswerHandling
from unlost.model.errors import TransientError
from unlost.model.source.writing import UPLOAD_UNSENT

# The HTTP library's names of failures before the first byte of a call was sent.
UNSENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"})
# The table of the source knows a refusal in an answer with a good status by one of these.
DECIDED = frozenset({AnswerHandling.REFUSE, AnswerHandling.LIMIT})


@dataclass(frozen=True, slots=True)
class SourceLabel:
    """The name of a SaaS in sentences, and the first part of its error codes."""

    name: str = "The source"
    prefix: str = "source"


class AnswerLost(TransientError):
    """Raised when a call was made and its answer did not come whole: it may have taken effect."""

    def __init__(self, reason: str, *, call: str, source: SourceLabel) -> None:
        """``call`` names the call, such as ``POST /composite/sobjects``."""
        super().__init__(
            f"{source.prefix}-answer-lost",
            "{source} did not answer a write call ({call} → {reason}).",
            next_step="The run checks the result of the call before it continues.",
            source=source.name,
            call=call,
            reason=reason,
        )


def may_have_effect(failure: CallFailure, action: AnswerHandling) -> bool:
    """True unless a failed call surely changed nothing; ``action`` is the table's reaction.

    With a status of 400 to 499, the source or a proxy refused the call. A proxy may also answer with
    500 or above because it stopped waiting; then the source may still do what was asked. An answer
    with a good status that reports a failure is a refusal only if the table names the failure.
    """
    if failure.status == NO_ANSWER:
        return failure.code not in UNSENT
    if failure.status < 300:
        return action not in DECIDED
    return failure.status >= 500


class UploadOnce:
    """Pieces of a body that can be sent once: a refused call must begin with a new stream."""

    def __init__(self, pieces: Iterable[bytes], source: SourceLabel) -> None:
        self._pieces: Iterable[bytes] | None = pieces
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, None
        if pieces is None:
            raise TransientError(
                UPLOAD_UNSENT,
                "{source} rejected an upload before it was received.",
                next_step="Unlost sends it again automatically.",
                source=self._source.name,
            )
        return iter(pieces)
