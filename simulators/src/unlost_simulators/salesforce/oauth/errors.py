"""Refusals of the token endpoint, which do not use the array form of the REST API."""

from __future__ import annotations


class OAuthError(Exception):
    """A refusal in the form of RFC 6749: ``error`` with an optional ``error_description``."""

    def __init__(self, error: str, description: str | None = None, *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status

    def body(self) -> dict[str, str]:
        """Give the JSON body of the answer."""
        if self.description is None:
            return {"error": self.error}
        return {"error": self.error, "error_description": self.description}


def invalid_grant(description: str) -> OAuthError:
    """Give the refusal that most wrong grants end in."""
    return OAuthError("invalid_grant", description)
