"""Addresses of services, as far as they can be judged without calling them."""

from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """True if ``url`` names this machine: the only place where plain http is accepted."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")
