"""The one exception that becomes an error answer of the REST API.

Knows the array form of an error body; knows no HTTP server and no store.
"""

from __future__ import annotations

from collections.abc import Sequence


class SalesforceError(Exception):
    """A refusal that the API answers with a status and an array of one error.

    ``fields`` is ``None`` where the real service sends no ``fields`` key (queries, sessions) and
    a list, possibly empty, where it does (writes).
    """

    def __init__(
        self, status: int, code: str, message: str, fields: Sequence[str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = None if fields is None else list(fields)

    def body(self) -> list[dict[str, object]]:
        """Return the JSON body, in the array form of every error except OAuth errors."""
        error: dict[str, object] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = self.fields
        return [error]


def not_found(message: str = "The requested resource does not exist") -> SalesforceError:
    """Give the 404 that the service answers for whatever it does not know."""
    return SalesforceError(404, "NOT_FOUND", message)
