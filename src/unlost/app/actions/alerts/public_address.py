"""The address of the console, for the links in messages."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.app.vault.home_copy import after_change
from unlost.catalog.home.settings import public_address, set_public_address
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError

LONGEST = 500  # characters


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """The address under which people open the console; empty if it was not set."""

    address: str


@action("address.show", Right.MANAGE, where=Where.HOME)
def show_address(app: Application) -> PublicAddress:  # noqa: ARG001 (every action takes it)
    """Show the address of the console."""
    return PublicAddress(public_address())


@action("address.set", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, subject=("address",))
def set_address(app: Application, address: str) -> PublicAddress:
    """Set the address of the console; raises UsageError (``address-invalid``)."""
    checked = check_address(address)
    set_public_address(checked)
    after_change(app)
    return PublicAddress(checked)


def check_address(text: str) -> str:
    """Return an address without its last slash; raises UsageError (``address-invalid``)."""
    address = text.strip().rstrip("/")
    if not address:
        return ""
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        valid = valid and not (parts.username or parts.query or parts.fragment)
    except ValueError:
        valid = False
    if not valid or len(address) > LONGEST or not address.isprintable():
        raise UsageError(
            "address-invalid",
            "{address!r} is not the address of a console.",
            next_step="Write it as in the browser, such as https://unlost.example.com.",
            address=text,
        )
    return address
