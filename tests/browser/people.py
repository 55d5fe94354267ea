"""People at the door of the console: how they are added, and what they do there."""

import base64
import hashlib
import hmac
import json
import re
import socket
import struct
import time
from typing import Any

import httpx

from browser.conftest import PASSWORD, Console
from browser.visitor import Visitor

STEP = 30  # seconds for which a code of an authenticator app holds (RFC 6238, section 4.1)
ENOUGH = 12  # seconds for a code to be typed and sent
FLAWLESS = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
    "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def added(console: Console, visitor: Visitor, name: str, *more: str) -> None:
    """Add somebody, who opens the link that an admin gives them and chooses a password."""
    console.unlost("user", "add", name, "--role", "viewer", *more)
    link = json.loads(console.unlost("user", "link", name, "--json"))
    path = re.search(r"/start/[^/\"\s]+/", json.dumps(link))
    assert path is not None, link
    visitor.open(path[0])
    for label in ("Password", "Repeat the password"):
        visitor.type(visitor.page.get_by_label(label, exact=True), PASSWORD)
    visitor.send()
    is_in(visitor)


def sign_in(visitor: Visitor, name: str, password: str = PASSWORD) -> None:
    """Type a name and a password."""
    visitor.open("/account/login/")
    visitor.type(visitor.page.get_by_label("Name", exact=True), name)
    visitor.type(visitor.page.get_by_label("Password", exact=True), password)
    visitor.send()


def sign_out(visitor: Visitor) -> None:
    visitor.open("/account/logout/")
    visitor.press(visitor.page.get_by_role("main").get_by_role("button", name="Sign out"))
    is_out(visitor)


def is_in(visitor: Visitor) -> None:
    visitor.page.wait_for_url(f"{visitor.url}/")
    assert visitor.page.get_by_role("searchbox").is_visible()


def is_out(visitor: Visitor) -> None:
    """The next page asks for a sign-in."""
    visitor.open("/")
    assert re.match(rf"{visitor.url}/account/(login|2fa/authenticate)/", visitor.page.url)
    assert not visitor.page.get_by_role("searchbox").is_visible()


def proved(visitor: Visitor, path: str) -> None:
    """Open a page that changes how somebody signs in: after a link it asks for the password again."""
    visitor.open(path)
    assert "/account/reauthenticate/" in visitor.page.url
    visitor.type(visitor.page.get_by_label("Password", exact=True), PASSWORD)
    visitor.send()
    assert visitor.page.url == visitor.url + path


def confirm_if_asked(visitor: Visitor) -> None:
    """Type the password, if the page asks for it again, and go on to the page."""
    if "/account/reauthenticate/" in visitor.page.url:
        # By its kind, as its label is in the language of the page.
        visitor.type(visitor.page.locator("main input[type=password]"), PASSWORD)
        visitor.send()


def heading(visitor: Visitor) -> str:
    return visitor.page.get_by_role("heading", level=1).inner_text()


def code(secret: str, at: float) -> str:
    """What an authenticator app shows (RFC 6238 with HMAC-SHA-1 and six digits)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.digest(key, struct.pack(">Q", int(at // STEP)), hashlib.sha1)
    begin = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[begin : begin + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def time_to_type(visitor: Visitor) -> float:
    """The time, once a code of now counts for long enough to arrive: it ends with its half minute."""
    while STEP - time.time() % STEP < ENOUGH:
        visitor.page.wait_for_timeout(500)
    return time.time()


def next_code(visitor: Visitor, secret: str, used: float) -> str:
    """The first code after one that was used: each counts once."""
    while time.time() // STEP == used // STEP:
        visitor.page.wait_for_timeout(500)
    return code(secret, time.time())


def virtual_key(visitor: Visitor) -> Any:
    """A device that proves who somebody is, in the browser itself."""
    devtools = visitor.context.new_cdp_session(visitor.page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": FLAWLESS})
    return devtools


def api(console: Console, token: str) -> httpx.Response:
    """What a program is answered."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{console.url}/api/v1/orgs", headers=headers, timeout=30)
