"""Errors for failures that are the same with every source: no answer, and a redirect."""

from unlost.kit.http.messages import CallFailure
from unlost.kit.http.table import AnswerHandling
from unlost.kit.sign_in_words import NEUTRAL, SignInWords
from unlost.model.errors import NotAllowed, TransientError, UnlostError


def unreachable(failure: CallFailure, action: AnswerHandling) -> UnlostError:
    """The error for a host that did not answer, or whose proxy answered in its place."""
    if action is not AnswerHandling.RETRY:
        return NotAllowed(
            "source-not-trusted",
            "{host} cannot be trusted, or a connection is not possible ({call}: {message}).",
            next_step="Check the address. Behind a company proxy, add its certificate to the "
            "system's store, or name it in SSL_CERT_FILE.",
            host=failure.host,
            call=failure.call,
            message=failure.message,
        )
    what = f"HTTP {failure.status}" if failure.status else failure.message or "no answer"
    return TransientError(
        "source-unreachable",
        "{host} does not answer ({call} → {reason}).",
        next_step="Check the address and the network, proxy and firewall of this machine, then "
        "try again. Nothing was lost.",
        retry_after=failure.retry_after,
        host=failure.host,
        call=failure.call,
        reason=what,
    )


def redirected(failure: CallFailure, words: SignInWords = NEUTRAL) -> NotAllowed:
    """The error for an answer that leads elsewhere: a token is sent only where it was meant for."""
    return NotAllowed(
        "source-redirects",
        "{host} redirects {call} to {target}. Unlost does not follow redirects, so that secrets "
        "stay with the org.",
        next_step=words.source_redirects,
        host=failure.host,
        call=failure.call,
        target=failure.moved_to,
    )
