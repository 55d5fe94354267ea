"""HTTP for connectors: one client, one retry table, streams that prove that they are whole.

The only room that imports an HTTP library.
"""

from unlost.kit.http.backoff import Backoff, Patience
from unlost.kit.http.body import BodyStream
from unlost.kit.http.client import CallSigner, HttpClient, Manners, Transport
from unlost.kit.http.messages import CallFailure, Headers, HttpAnswer, HttpCall
from unlost.kit.http.table import AnswerHandling, RetryRule, RetryTable

__all__ = [
    "AnswerHandling",
    "Backoff",
    "BodyStream",
    "CallFailure",
    "CallSigner",
    "Headers",
    "HttpAnswer",
    "HttpCall",
    "HttpClient",
    "Manners",
    "Patience",
    "RetryRule",
    "RetryTable",
    "Transport",
]
