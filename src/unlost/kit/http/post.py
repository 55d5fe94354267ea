"""One POST of a small body to an address that a person typed, which is not trusted.

The name is resolved once, and the connection goes to the very address that was checked, so that a
name that resolves differently the second time leads nowhere else (DNS rebinding).
"""

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from unlost.model.errors import NotAllowed, TransientError, UsageError

SECONDS = 20.0
PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: IPv4 addresses in IPv6 form
SHOWN_CHARACTERS = 200  # shown characters of an answer


@dataclass(frozen=True, slots=True)
class OutgoingPost:
    """A body and its destination. ``private``: addresses of the inner network are allowed, too."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    private: bool = False


def post(wanted: OutgoingPost, *, transport: httpx.BaseTransport | None = None) -> int:
    """Post a message and return the status of a successful answer.

    Raises UsageError (``address-unreadable``), NotAllowed (``address-private``,
    ``message-refused``) and TransientError (``message-not-taken``).
    """
    url = parsed(wanted.url)
    headers = {
        **wanted.headers,
        "Host": url.netloc.decode(),
        "User-Agent": "unlost",
        "Accept-Encoding": "identity",
    }
    place = url.copy_with(host=_address(url, private=wanted.private))
    extensions = {"sni_hostname": url.host} if url.scheme == "https" else {}
    # No proxy: the call would name an IP address, and the proxy could not know which certificate to
    # expect.
    with httpx.Client(transport=transport, timeout=SECONDS, trust_env=False) as client:
        try:
            with client.stream(
                "POST", place, content=wanted.body, headers=headers, extensions=extensions
            ) as answer:
                return _judged(
                    url.host, answer.status_code, next(answer.iter_bytes(SHOWN_CHARACTERS), b"")
                )
        except httpx.HTTPError as error:
            raise _not_taken(url.host, str(error) or type(error).__name__) from error


def parsed(text: str) -> httpx.URL:
    """Parse an address. Errors never repeat it, since addresses may hold secrets.

    Raises UsageError (``address-unreadable``).
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in PORTS or not url.host:
        raise UsageError(
            "address-unreadable",
            "This is not a valid address.",
            next_step="Use an address that begins with https:// (or http://).",
        )
    return url


def _address(url: httpx.URL, *, private: bool) -> str:
    """Resolve a host to its network address, and check it."""
    address = _resolved(url)
    if not private and not _public(address):
        raise NotAllowed(
            "address-private",
            "{host} is an address in a private network ({address}).",
            next_step="If this is intended, add the channel again with `--allow-private`.",
            host=url.host,
            address=address,
        )
    return address


def _public(address: str) -> bool:
    """True for an address of the public network; an address that embeds IPv4 is judged as IPv4."""
    known = ipaddress.ip_address(address)
    if isinstance(known, ipaddress.IPv6Address):
        if known in NAT64:
            known = ipaddress.IPv4Address(int(known) & 0xFFFFFFFF)
        elif known.is_site_local:
            return False
    return known.is_global and not known.is_multicast


def _resolved(url: httpx.URL) -> str:
    try:
        return str(ipaddress.ip_address(url.host))
    except ValueError:
        pass  # a name
    port = url.port or PORTS[url.scheme]
    try:
        getaddrinfo = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _not_taken(url.host, str(error)) from error
    return str(getaddrinfo[0][4][0])


def _judged(host: str, status: int, reply: bytes) -> int:
    if 200 <= status < 300:
        return status
    if status >= 500 or status in (408, 425, 429):
        raise _not_taken(host, f"it returned HTTP {status}")
    text = reply[:SHOWN_CHARACTERS].decode(errors="replace")
    raise NotAllowed(
        "message-refused",
        "{host} refused the message: {answer}.",
        next_step="Check the address and the secret of the channel, then run `unlost alert test`.",
        host=host,
        answer=f"{status} {text}".rstrip(),
    )


def _not_taken(host: str, why: str) -> TransientError:
    return TransientError(
        "message-not-taken",
        "{host} did not accept the message: {why}.",
        next_step="Unlost retries automatically for a day.",
        host=host,
        why=why,
    )
