"""Settings, profile: a person's preferences for the console."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from unlost.app.actions.people.profile import keep
from unlost.catalog.people.people import Profile, Theme
from unlost.web.forms.problems import done
from unlost.web.parts.frame import THEME
from unlost.web.requests import UserRequest, sent

YEAR = 366 * 24 * 3600


class ProfileForm(forms.Form):
    """Language, colour theme, and row height."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", gettext_lazy("Language of the browser")), *settings.LANGUAGES],
    )
    theme = forms.ChoiceField(
        label=gettext_lazy("Light or dark"),
        required=False,
        choices=[
            (Theme.SYSTEM.value, gettext_lazy("As in the system")),
            (Theme.LIGHT.value, gettext_lazy("Light")),
            (Theme.DARK.value, gettext_lazy("Dark")),
        ],
    )
    compact = forms.BooleanField(label=gettext_lazy("Compact table rows"), required=False)


@require_http_methods(["GET", "POST"])
def profile(request: UserRequest) -> HttpResponse:
    """Show the form; a change applies immediately, in all browsers of this person."""
    user = request.user
    initial = {name: getattr(user, name, "") for name in ("language", "theme", "compact")}
    form = ProfileForm(sent(request), initial=initial)
    saved_profile = done(form, lambda: keep(request.unlost, _wanted(form)))
    if saved_profile:
        return _profile_saved(request, saved_profile)
    context = {"part": "settings", "tab": "profile", "form": form}
    return render(request, "settings/profile.html", context, status=400 if form.errors else 200)


def _wanted(form: ProfileForm) -> Profile:
    given = form.cleaned_data
    return Profile(given["language"], Theme(given["theme"]), given["compact"])


def _profile_saved(request: UserRequest, profile_saved: Profile) -> HttpResponse:
    """Redirect to the form. Cookies apply the preferences to the sign-in page."""
    with translation.override(profile_saved.language or translation.get_language()):
        messages.success(request, _("Your profile was saved."))
    response = redirect("profile")
    for name, value in (
        (settings.LANGUAGE_COOKIE_NAME, profile_saved.language),
        (THEME, profile_saved.theme.value),
    ):
        if value:
            response.set_cookie(
                name,
                value,
                max_age=YEAR,
                httponly=True,
                samesite="Lax",
                secure=bool(settings.SESSION_COOKIE_SECURE),
            )
        else:
            response.delete_cookie(name, samesite="Lax")
    return response
