"""Faults that Salesforce words or makes in its way: refusals, pages of the edge, Bulk pages."""

from __future__ import annotations

from unlost_simulators.kit.http import spoil
from unlost_simulators.kit.http.calls import Answer
from unlost_simulators.salesforce.faults import SalesforceFault, SalesforceRule
from unlost_simulators.salesforce.http.bulk.pages import PageAnswer
from unlost_simulators.salesforce.http.json_texts import error_answer
from unlost_simulators.salesforce.model.errors import SalesforceError


def answer_instead(rule: SalesforceRule) -> Answer:
    """Give the answer of a fault that takes the place of the real one."""
    match rule.kind:
        case SalesforceFault.EDGE_420:
            return Answer(420, content_type=None)
        case SalesforceFault.EDGE_406:
            return Answer(406, content_type=None)
        case _:
            return spoil.answer_instead(rule) or error_answer(_refusal(rule))


def _refusal(rule: SalesforceRule) -> SalesforceError:
    match rule.kind:
        case SalesforceFault.REQUEST_LIMIT:
            return SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        case SalesforceFault.EXPIRED_SESSION:
            return SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        case SalesforceFault.QUERY_TIMEOUT:
            text = "Your query request was running for too long."
            return SalesforceError(400, "QUERY_TIMEOUT", text)
        case SalesforceFault.EXPIRED_LOCATOR:
            return SalesforceError(404, "INVALID_QUERY_LOCATOR", "Invalid query locator")
        case _:
            return SalesforceError(rule.status, rule.code, rule.message)


def spoil_page(answer: PageAnswer, rule: SalesforceRule) -> PageAnswer:
    """Change a Bulk result page: fewer rows, none, or no locator; its headers stay as they were."""
    answer.spoiled = True
    match rule.kind:
        case SalesforceFault.SHORT_PAGE:
            answer.file = answer.page.without(rule.rows)
        case SalesforceFault.EMPTY_PAGE:
            answer.body, answer.file = b"", None
        case SalesforceFault.NO_CONTENT_PAGE:
            answer.status, answer.body, answer.file = 204, b"", None
            answer.content_type = None
        case SalesforceFault.MISSING_LOCATOR:
            answer.headers.pop("Sforce-Locator", None)
            answer.spoiled = False
        case _:
            pass
    return answer
