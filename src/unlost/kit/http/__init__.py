"""HTTP for connectors: one client, one retry table, streams that prove that they are whole.

The only package that imports an HTTP library.
"""

from unlost.kit.http.backoff import Backoff, BackoffTimer
from unlost.kit.http.body import BodyStream
from unlost.kit.http.client import CallSigner, HttpClient, HttpPolicy, Transport
from unlost.kit.http.limits import (
    DOCUMENT,
    FILE,
    IMAGE,
    RESULTS,
    ROWS,
    SMALL,
    AnswerLimits,
    AnswerTooLarge,
)
from unlost.kit.http.messages import CallFailure, Headers, HttpAnswer, HttpCall
from unlost.kit.http.once import AnswerLost, SourceLabel
from unlost.kit.http.table import AnswerHandling, RetryRule, RetryTable
from unlost.kit.http.throttle import Throttle

__all__ = [
    "DOCUMENT",
    "FILE",
    "IMAGE",
    "RESULTS",
    "ROWS",
    "SMALL",
    "AnswerHandling",
    "AnswerLimits",
    "AnswerLost",
    "AnswerTooLarge",
    "Backoff",
    "BackoffTimer",
    "BodyStream",
    "CallFailure",
    "CallSigner",
    "Headers",
    "HttpAnswer",
    "HttpCall",
    "HttpClient",
    "HttpPolicy",
    "RetryRule",
    "RetryTable",
    "SourceLabel",
    "Throttle",
    "Transport",
]
