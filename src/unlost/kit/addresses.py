"""Checks on addresses of services that need no call."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

# A reserved name of this machine (RFC 6761, 6.3). All other names are looked up, so they can lead
# anywhere, whatever they look like.
LOCALHOST = "localhost"
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")


def host_of(url: str) -> str:
    """The host of an address in lower case; empty if it has none."""
    return _split(url).hostname or ""


def is_loopback(url: str) -> bool:
    """True if ``url`` names this machine: the only place where plain http is accepted.

    Only a literal address counts, or ``localhost``: ``127.evil.example`` is a name like any other.
    """
    return _is_local_host(host_of(url))


def is_safe(url: str) -> bool:
    """True for an https address, and for a plain one of this machine."""
    scheme = _split(url).scheme
    return bool(host_of(url)) and (scheme == "https" or (scheme == "http" and is_loopback(url)))


def origin(url: str) -> str | None:
    """Scheme, host and port of an address, built anew from its parts; None if it is not plain.

    A user name, a backslash or a control character make different programs see different hosts.
    """
    parts = _split(url)
    host = host_of(url)
    if _UNSAFE.search(url) or "@" in parts.netloc or not host or parts.scheme not in _PORTS:
        return None
    if not _is_literal(host) and not _NAME.fullmatch(host):
        return None
    try:
        port = parts.port
    except ValueError:
        return None
    shown = f"[{host}]" if ":" in host else host
    usual = port in (None, _PORTS[parts.scheme])
    return f"{parts.scheme}://{shown}" + ("" if usual else f":{port}")


def may_get_token(url: str, *, login: str, domains: frozenset[str] = frozenset()) -> bool:
    """True if a token that the service at ``login`` gave may be sent to ``url``.

    That is: the same host, a host below it, or two hosts of the service's own ``domains``. Plain
    http is for literal loopback addresses, if the sign-in took place on this machine, too.
    """
    if origin(url) is None:
        return False
    host, home = host_of(url), host_of(login)
    if _split(url).scheme != "https":
        literal = _is_literal(host) or host == home
        return literal and _is_local_host(home) and _is_local_host(host)
    if _is_local_host(host) != _is_local_host(home):
        return False
    below = host == home or host.endswith(f".{home}")
    return below or (_belongs(host, domains) and _belongs(home, domains))


def _belongs(host: str, domains: frozenset[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _is_local_host(host: str) -> bool:
    if host == LOCALHOST:
        return True
    return _is_literal(host) and ipaddress.ip_address(host).is_loopback


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # such as a bracket that is not closed
        return urlsplit("")
