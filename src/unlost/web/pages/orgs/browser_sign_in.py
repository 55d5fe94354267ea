"""Pages of the sign-in by browser: the link to the org's page, and the return from it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from unlost.app.actions.orgs.browser_sign_in import finish_sign_in
from unlost.app.actions.orgs.org_page import org_settings
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.orgs.write_access import NewWriter, set_writer, writer_settings
from unlost.app.orgs.sign_in_state import SignInReply, foreign_reply, is_reply_to
from unlost.model.access import Right
from unlost.model.errors import Conflict, UnlostError
from unlost.web.failing import status_of
from unlost.web.needs import needs
from unlost.web.pages.orgs.saved import (
    differing,
    planned_again,
    show_continued,
    show_gaps,
    show_same_user,
)
from unlost.web.parts.browser_sign_ins import (
    Purpose,
    WaitingSignIn,
    callback_address,
    end_sign_in,
    waiting_sign_in,
)
from unlost.web.parts.drafts import draft, drop_draft
from unlost.web.parts.previews import DRAFT, begin, unseen
from unlost.web.requests import UserRequest

LONGEST = 300  # shown characters of the texts with which the browser returns


@require_GET
@needs(Right.MANAGE)
def start(request: UserRequest) -> HttpResponse:
    """Show the link to the org's sign-in page, and the callback address that its app needs."""
    waiting = waiting_sign_in(request)
    if waiting is None:
        return redirect("connect")
    context = {
        "part": "orgs",
        "org": waiting.new.name,
        "address": waiting.started.address,
        "host": urlsplit(waiting.started.address).netloc,
        "callback": callback_address(request),
        "origin": waiting.origin,
        "writes": waiting.purpose is Purpose.WRITER,
    }
    return render(request, "connect/start.html", context)


@require_GET
@needs(Right.MANAGE)
def callback(request: UserRequest) -> HttpResponse:
    """Take the code with which the browser returns, once, and continue where it was started."""
    waiting = waiting_sign_in(request)
    reply = _reply(request.GET)
    if waiting is None or not is_reply_to(waiting.started, reply):
        return _failed(request, waiting, foreign_reply())
    end_sign_in(request)
    try:
        _check_unchanged(request, waiting)
        signed_in = finish_sign_in(
            request.unlost,
            waiting.new,
            started=waiting.started,
            reply=reply,
            user=waiting.purpose.user,
        )
        new = replace(waiting.new, secrets=signed_in.secrets)
        return FINISH[waiting.purpose](request, new, waiting.plan)
    except UnlostError as error:
        return _failed(request, waiting, error)


def _check_unchanged(request: UserRequest, waiting: WaitingSignIn) -> None:
    """Raise Conflict (``settings-changed``) if the org got other settings since the start.

    The new secrets belong to the settings of the start, which may lead to another address.
    """
    org = waiting.new.name
    if waiting.purpose is Purpose.CONNECT:
        return
    writes = waiting.purpose is Purpose.WRITER
    present = (writer_settings if writes else org_settings)(request.unlost, org).config
    if {**present} != {**waiting.before}:
        raise Conflict(
            "settings-changed",
            "The settings of {org} were changed during this sign-in. It was not stored.",
            next_step="Open the settings again, check them, and sign in once more.",
            org=org,
        )


def _reply(parameters: Mapping[str, str]) -> SignInReply:
    return SignInReply(
        parameters.get("state", ""),
        parameters.get("code", ""),
        parameters.get("error", "")[:LONGEST],
        parameters.get("error_description", "")[:LONGEST],
    )


def _connected(request: UserRequest, new: NewOrg, _plan: str) -> HttpResponse:
    """Continue in the wizard: inspect the org with the new secrets."""
    known = draft(request, DRAFT)
    if (known.get("name"), known.get("connector")) != (new.name, new.connector):
        return redirect("connect")
    begin(request, {**unseen(known), "secrets": dict(new.secrets)}, config=new.config)
    return redirect("connect-checklist")


def _saved(request: UserRequest, new: NewOrg, _plan: str) -> HttpResponse:
    """Save the settings of an org with the new secrets."""
    added = add_org(request.unlost, new)
    drop_draft(request, f"settings/{new.name}")
    messages.success(request, _("%(org)s answers with the new settings.") % {"org": new.name})
    show_gaps(request, added.gaps)
    show_continued(request, added.continues)
    return redirect("org", org=new.name)


def _writes(request: UserRequest, new: NewOrg, plan: str) -> HttpResponse:
    """Save the write user of an org with the new secrets; plan the restore again that waited."""
    changed = differing(new.config, writer_settings(request.unlost, new.name))
    result = set_writer(request.unlost, NewWriter(new.name, changed, new.secrets))
    drop_draft(request, f"writer/{new.name}")
    messages.success(request, _("Restores can write to %(org)s.") % {"org": new.name})
    show_continued(request, result.continues)
    again = planned_again(request, new.name, plan)
    if again is not None:  # else the page of the write user says it
        show_same_user(request, result)
    return again or redirect(f"{reverse('org-writer', kwargs={'org': new.name})}?check=1")


FINISH: Mapping[Purpose, Callable[[UserRequest, NewOrg, str], HttpResponse]] = {
    Purpose.CONNECT: _connected,
    Purpose.SETTINGS: _saved,
    Purpose.WRITER: _writes,
}


def _failed(
    request: UserRequest, waiting: WaitingSignIn | None, error: UnlostError
) -> HttpResponse:
    context = {"part": "orgs", "error": error, "origin": waiting.origin if waiting else ""}
    return render(request, "connect/failed.html", context, status=status_of(error))
