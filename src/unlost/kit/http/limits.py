"""The most that an answer may take: bytes, compression, headers, time.

A server that is broken, or was broken into, must not be able to fill the memory or the time of the
machine. Each call therefore names the kind of its answer. Bodies that are streamed never lie in
memory as a whole; their limits are there so that they end.
"""

import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from unlost.model.errors import IntegrityError

MIB = 1 << 20
# Deflate cannot shrink anything to less than a 1,032nd (RFC 1951: 258 bytes in two bits). Empty
# columns of real tables reach a 200th, so a body below a 500th contains nothing that is a record.
MOST_COMPRESSED = 500
ANY_COMPRESSION = 1_100
# The ratio of a short body proves nothing.
RATIO_FROM = 16 * MIB
# The HTTP library refuses headers above 100 KiB with its own error, so this limit is lower.
HEADER_BYTES = 32 << 10
# A data call may take ten minutes to answer (Salesforce app limits cheatsheet, API requests).
CALL_SECONDS = 900.0
SLOWEST = 16 << 10  # bytes a second, on the average of a call after ``CALL_SECONDS``


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """The most that an answer of one kind may take.

    ``decoded``: bytes of its body after decompression. ``ratio``: decoded bytes for each received
    byte. ``headers``: bytes of all header lines. ``seconds``: time of the whole call; each
    ``SLOWEST`` received bytes add a second.
    """

    decoded: int
    ratio: int = MOST_COMPRESSED
    headers: int = HEADER_BYTES
    seconds: float = CALL_SECONDS


# Tokens, and errors.
SMALL = AnswerLimits(MIB)
# JSON documents and pages of records: in memory as a whole, up to five times as Python values. Four
# tables are read at a time.
DOCUMENT = AnswerLimits(40 * MIB)
# CSV that is read as it arrives: 50,000 rows of the largest size that occurs.
ROWS = AnswerLimits(16 << 30)
# CSV that is read as a whole: the results of one job that wrote, with the 100 MB that it was given.
RESULTS = AnswerLimits(256 * MIB)
# Files are streamed; the largest that Salesforce takes has 2 GB. Blank images shrink like bombs.
FILE = AnswerLimits(4 << 30, ratio=ANY_COMPRESSION)


# Images within texts: Salesforce takes 1 MB, other sources a few.
IMAGE = AnswerLimits(20 * MIB, ratio=ANY_COMPRESSION)


# Larger bodies are decoded one after the other. The interpreter decodes one at a time anyway.
LARGE_BODY = MIB
_turn = threading.RLock()


def turn_to_decode(size: int) -> AbstractContextManager[object]:
    """Wait for the turn to decode a body of ``size`` bytes, so that few values are in memory."""
    return _turn if size > LARGE_BODY else nullcontext()


class AnswerTooLarge(IntegrityError):
    """Raised for an answer beyond its limits, before it is in memory."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "answer-too-large",
            "A response of the source is too large: {reason}.",
            next_step="Check the address of the org, and the proxies between this machine and the "
            "source. If it is the source itself, report it to its vendor. Existing backups are "
            "not affected.",
            reason=reason,
        )
