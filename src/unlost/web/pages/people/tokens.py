"""Settings, tokens: API tokens for programs."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from unlost.app.actions.people.people import people
from unlost.app.actions.people.tokens import MOST_DAYS, NewToken
from unlost.app.actions.people.tokens import drop as drop_token
from unlost.app.actions.people.tokens import make as make_token
from unlost.app.actions.people.tokens import tokens as list_tokens
from unlost.app.compose import Application
from unlost.model.access import Right, Role
from unlost.web.forms.problems import done
from unlost.web.forms.roles import RoleForm
from unlost.web.requests import UserRequest, sent
from unlost.web.signin.confirming import confirmed

DAYS = 90


class TokenForm(RoleForm):
    """A new token; only users who manage the home can choose its owner."""

    field_order = ("name", "owner", "role", "org", "days")
    name = forms.CharField(
        label=gettext_lazy("Name of the program"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    owner = forms.ChoiceField(
        label=gettext_lazy("Acts for"),
        help_text=gettext_lazy("The token never has more rights than this person."),
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days until it expires"), min_value=1, max_value=MOST_DAYS, initial=DAYS
    )

    def __init__(self, *given: Any, app: Application, **more: Any) -> None:
        super().__init__(*given, app=app, right=Right.LOOK, **more)
        if not app.actor.may(Right.MANAGE):
            del self.fields["owner"]
            return
        names = [person.name for person in people(app).people if person.active]
        self.fields["owner"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.fields["owner"].initial = app.actor.name


@require_http_methods(["GET", "POST"])
@confirmed("tokens")
def tokens(request: UserRequest) -> HttpResponse:
    """List the tokens, with a form that creates one.

    The text of a new token is only in this response, so that it is stored nowhere.
    """
    form = TokenForm(sent(request), app=request.unlost)
    token = done(form, lambda: _new_token(request, form))
    context = {
        "part": "settings",
        "tab": "tokens",
        "tokens": list_tokens(request.unlost).tokens,
        "form": form if token is None else TokenForm(app=request.unlost),
        "new_token": token,
        "now": request.unlost.clock.now(),
    }
    return render(request, "settings/tokens.html", context, status=400 if form.errors else 200)


def _new_token(request: UserRequest, form: TokenForm) -> NewToken:
    given = form.cleaned_data
    return make_token(
        request.unlost,
        given["name"],
        role=Role(given["role"]),
        org=form.place,
        days=given["days"],
        owner=given.get("owner"),
    )


@require_POST
def drop(request: UserRequest, token: int) -> HttpResponse:
    """Delete a token."""
    dropped = drop_token(request.unlost, token)
    messages.success(request, _("The token %(name)s was deleted.") % {"name": dropped.name})
    return redirect("tokens")
