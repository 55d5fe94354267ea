"""Access and refresh tokens, which end by age on the virtual clock."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

# The answer of the official sample: an access token lives for 30 minutes less a second.
ACCESS_SECONDS = 1_799
REFRESH_DAYS = 100


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a user for a client."""

    text: str
    user: str
    client: str
    ends: datetime


class Sessions:
    """The tokens of one instance; every method is safe from many threads."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._access: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}

    def open(self, user: str, client: str) -> str:
        """Give an access token."""
        return self._issue(self._access, user, client, timedelta(seconds=ACCESS_SECONDS))

    def grant(self, user: str, client: str) -> str:
        """Give a refresh token."""
        return self._issue(self._refresh, user, client, timedelta(days=REFRESH_DAYS))

    def _issue(self, where: dict[str, Token], user: str, client: str, life: timedelta) -> str:
        token = Token(secrets.token_urlsafe(64), user, client, self._now() + life)
        with self._lock:
            where[token.text] = token
        return token.text

    def user_of(self, text: str) -> str | None:
        """Give the user of a living access token, or None."""
        with self._lock:
            return self._living(self._access, text)

    def user_of_refresh(self, text: str, client: str) -> str | None:
        """Give the user of a client's living refresh token, or None."""
        with self._lock:
            token = self._refresh.get(text)
            return self._living(self._refresh, text) if token and token.client == client else None

    def _living(self, where: dict[str, Token], text: str) -> str | None:
        token = where.get(text)
        return token.user if token and self._now() < token.ends else None

    def end(self, text: str) -> bool:
        """End an access token; returns whether there was one."""
        with self._lock:
            return self._access.pop(text, None) is not None

    def end_all(self, *, refresh: bool = False) -> int:
        """End all access tokens, and refresh tokens too; gives how many access tokens there were."""
        with self._lock:
            count = len(self._access)
            self._access.clear()
            if refresh:
                self._refresh.clear()
            return count
