"""The page of the vault's keys: what opens the vault, and what only a command may change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from unlost.app.actions.vault.keys import keys, tried
from unlost.model.access import Right
from unlost.web.needs import needs
from unlost.web.requests import UserRequest


@dataclass(frozen=True, slots=True)
class KeyCommand:
    """A change of the keys, and the command that makes it."""

    purpose: Any
    command: str


# They need the recovery sheet or a passphrase, which must not pass through a browser.
COMMANDS: Sequence[KeyCommand] = (
    KeyCommand(
        gettext_lazy("Add a passphrase for a person"),
        "unlost key add NAME --passphrase --sheet FILE",
    ),
    KeyCommand(
        gettext_lazy("Add a key file for another machine or a safe"),
        "unlost key add NAME --key-file KEY --sheet FILE",
    ),
    KeyCommand(gettext_lazy("Replace a key"), "unlost key replace SLOT --sheet FILE"),
    KeyCommand(gettext_lazy("Remove a key"), "unlost key remove SLOT --sheet FILE"),
    KeyCommand(gettext_lazy("Test the recovery sheet"), "unlost key test --sheet FILE"),
    KeyCommand(
        gettext_lazy("Print the recovery sheet again"), "unlost key sheet --by-passphrase SLOT"
    ),
    KeyCommand(gettext_lazy("Renew the master key after a theft"), "unlost key renew --sheet FILE"),
    KeyCommand(
        gettext_lazy("Make a new recovery sheet when it is lost"),
        "unlost key renew --lost-sheet",
    ),
)


@require_GET
@needs(Right.MANAGE)
def show(request: UserRequest) -> HttpResponse:
    """Show the keys that open the vault, and the commands that change them."""
    context = {"part": "vault", "keys": keys(request.unlost), "commands": COMMANDS}
    return render(request, "vault/keys.html", context)


@require_POST
@needs(Right.MANAGE)
def tested(request: UserRequest) -> HttpResponse:
    """Test the service key by opening the vault with it."""
    result = tried(request.unlost)
    messages.success(
        request, _("The service key opens the vault: slot %(slot)s.") % {"slot": result.slot}
    )
    return redirect("vault-keys")
