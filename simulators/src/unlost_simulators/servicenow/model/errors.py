"""Refusals, with the texts by which clients distinguish them."""

from __future__ import annotations

from collections.abc import Sequence

from unlost_simulators.kit.http.calls import Answer, json_answer

AUTHORIZATION_FAILED = "Operation Failed"


class ServiceNowError(Exception):
    """A refusal: its status, its message, and the detail that names its cause."""

    def __init__(self, status: int, message: str, detail: str | None = None) -> None:
        super().__init__(f"{status} {message}: {detail}")
        self.status, self.message, self.detail = status, message, detail


def no_record() -> ServiceNowError:
    """Give the 404 that does not distinguish missing from hidden rows."""
    text = "Record doesn't exist or ACL restricts the record retrieval"
    return ServiceNowError(404, "No Record found", text)


def invalid_table(name: str) -> ServiceNowError:
    """Give the 400 of a table that does not exist. The text is an inference."""
    return ServiceNowError(400, f"Invalid table {name}")


def not_signed_in() -> ServiceNowError:
    """Give the 401."""
    return ServiceNowError(401, "User Not Authenticated", "Required to provide Auth information")


def closed_table() -> ServiceNowError:
    """Give the 403 of a table that is closed to REST."""
    return ServiceNowError(403, AUTHORIZATION_FAILED, "Failed API level ACL Validation")


def refused_by_acl(operation: str) -> ServiceNowError:
    """Give the 403 of an ACL of a row or a column; ``operation`` is Insert, Update or Delete."""
    text = f"ACL Exception {operation} Failed due to security constraints"
    return ServiceNowError(403, AUTHORIZATION_FAILED, text)


def refused_by_rule(table: str, name: str, sys_id: str) -> ServiceNowError:
    """Give the 403 of a business rule; its own reason does not cross REST."""
    text = f"Operation against file '{table}' was aborted by Business Rule '{name}^{sys_id}'"
    return ServiceNowError(403, AUTHORIZATION_FAILED, text)


def refused_by_policy(labels: Sequence[str]) -> ServiceNowError:
    """Give the 403 of a data policy. The text is an inference."""
    names = ", ".join(labels)
    text = f"Data Policy Exception: The following fields are mandatory: {names}"
    return ServiceNowError(403, AUTHORIZATION_FAILED, text)


def no_resource() -> ServiceNowError:
    """Give the refusal of an address that no API has; the status is an inference."""
    return ServiceNowError(400, "Requested URI does not represent any resource")


def method_not_allowed(method: str, allowed: Sequence[str]) -> ServiceNowError:
    """Give the 405."""
    names = ", ".join(dict.fromkeys(allowed))
    return ServiceNowError(405, f"Method {method} not supported", f"Allowed are {names}")


def error_answer(error: ServiceNowError) -> Answer:
    """Give a refusal as JSON."""
    document = {"message": error.message, "detail": error.detail}
    return json_answer({"error": document, "status": "failure"}, error.status)
