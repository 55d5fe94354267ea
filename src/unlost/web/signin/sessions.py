"""Sessions that a user can end remotely: one, or all but the current one."""

from collections.abc import Iterable

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import list_usersessions
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from unlost.app.people.sign_ins import SignInAct, SignInAttempt, record_sign_in
from unlost.model.errors import NotFound
from unlost.web.served_home import application
from unlost.web.signin.adapter import address_of


@login_required
@require_http_methods(["GET", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """List the user's sessions; a POST ends all but the current one."""
    if request.method != "POST":
        listed: HttpResponse = list_usersessions(request)
        return listed
    others = UserSession.objects.filter(user=request.user)
    ended = _end(request, others.exclude(session_key=request.session.session_key))
    message = ngettext("%(count)s session was ended.", "%(count)s sessions were ended.", ended)
    messages.success(request, message % {"count": ended})
    return redirect("usersessions_list")


@login_required
@require_POST
def end(request: HttpRequest, session: int) -> HttpResponse:
    """End a session; raises NotFound (``session-unknown``), also for another user's session."""
    # Filtered by user, so that guessed numbers end no sessions of others.
    if not _end(request, UserSession.objects.filter(user=request.user, pk=session)):
        raise NotFound(
            "session-unknown",
            "This session has already ended.",
            next_step="Reload the list of your sessions.",
        )
    messages.success(request, _("The session was ended."))
    return redirect("usersessions_list")


def _end(request: HttpRequest, chosen: Iterable[UserSession]) -> int:
    """End and audit sessions; returns their number."""
    ending = list(chosen)
    for session_row in ending:
        name = request.user.get_username()
        seen = SignInAttempt(
            SignInAct.SESSION_END, name, address_of(request), subject=session_row.ip
        )
        record_sign_in(application(), seen)
    get_adapter().end_sessions(ending)
    return len(ending)
