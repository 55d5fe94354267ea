"""HTTP for connectors: one client, one retry table, streams that prove that they are whole.

The only room that imports an HTTP library.
"""

from unlost.kit.http.backoff import Backoff, Patience
from unlost.kit.http.body import BodyStream
from unlost.kit.http.client import HttpClient, Manners, Session, Transport
from unlost.kit.http.messages import Answer, Failure, Headers, Request
from unlost.kit.http.table import Action, RetryTable, Rule

__all__ = [
    "Action",
    "Answer",
    "Backoff",
    "BodyStream",
    "Failure",
    "Headers",
    "HttpClient",
    "Manners",
    "Patience",
    "Request",
    "RetryTable",
    "Rule",
    "Session",
    "Transport",
]
