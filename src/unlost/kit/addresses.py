"""Checks on addresses of services that need no call."""

from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """True if ``url`` names this machine: the only place where plain http is accepted."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")
