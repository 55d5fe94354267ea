"""The page behind a one-time link: it adds the first admin, or lets a person choose a password."""

from contextlib import nullcontext
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from unlost.app.actions.alerts.public_address import check_address, set_address
from unlost.app.actions.people.people import first_admin
from unlost.app.people.sign_ins import SignInAct, SignInAttempt, record_sign_in
from unlost.catalog.connection import one_transaction
from unlost.catalog.models import User
from unlost.catalog.people.tokens import find_link, use_link
from unlost.model.errors import NotFound, UnlostError, UsageError
from unlost.web.needs import open_to_all
from unlost.web.served_home import application
from unlost.web.signin.adapter import address_of
from unlost.web.translate import translate


class PasswordForm(forms.Form):
    """A new password, typed twice."""

    password = forms.CharField(
        label=_("Password"),
        help_text=_("12 characters or more; a few words are fine."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("Repeat the password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *given: Any, user: User, **more: Any) -> None:
        super().__init__(*given, **more)
        self.user = user

    def clean(self) -> None:
        """Check that the password is strong enough for this person, and that both are equal."""
        given = self.cleaned_data
        if given.get("password"):
            try:
                validate_password(given["password"], self.user)
            except ValidationError as error:
                self.add_error("password", error)  # which takes it out of the cleaned data
        if given.get("password") and given.get("password") != given.get("again"):
            raise ValidationError(_("The two passwords differ."))


class FirstAdmin(PasswordForm):
    """The first admin of this home."""

    field_order = ("name", "full_name", "password", "again", "address")
    name = forms.CharField(
        label=_("User name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    full_name = forms.CharField(
        label=_("Your name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    address = forms.CharField(
        label=_("Address of this console"),
        help_text=_("Messages about alerts link to it. You can change it later."),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "url", "dir": "ltr"}),
    )

    def clean_address(self) -> str:
        """Check the address as it is saved."""
        try:
            return check_address(self.cleaned_data["address"])
        except UsageError as error:
            raise ValidationError(translate(error.message)) from error

    def clean(self) -> None:
        """Compare the password with the names that are typed beside it."""
        given = self.cleaned_data
        self.user.username = given.get("name", "")
        self.user.first_name = given.get("full_name", "")
        super().clean()


@open_to_all
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, text: str) -> HttpResponse:
    """Show the form behind the link; the link is used up when a valid form is sent."""
    link = find_link(text, at=application().clock.now())
    if link is None:
        raise _over()
    kind = FirstAdmin if link.user is None else PasswordForm
    user = User() if link.user is None else get_user_model().objects.get(pk=link.user)
    posted = request.POST if request.method == "POST" else None
    initial = {"address": request.build_absolute_uri("/").rstrip("/")}
    form = kind(posted, user=user, initial=initial)
    if form.is_valid():
        try:
            return _signed_in(request, text, form)
        except UnlostError as error:
            if error.code == "link-over":
                raise
            form.add_error(None, translate(error.message))
    return render(request, "start.html", {"form": form, "first": link.user is None})


def _signed_in(request: HttpRequest, text: str, form: PasswordForm) -> HttpResponse:
    # If the audit cannot be written, the link stays valid.
    with nullcontext() if isinstance(form, FirstAdmin) else one_transaction():
        person = _person(text, form)
        _set_password(request, person, form.cleaned_data["password"])
    if form.cleaned_data.get("address"):
        set_address(application(), form.cleaned_data["address"])
    # As with a password: the person typed it, and a second factor is requested if there is one.
    record_authentication(request, person, method="password")
    answer: HttpResponse = perform_login(
        request, person, email_verification="none", redirect_url=reverse("home")
    )
    return answer


def _set_password(request: HttpRequest, person: User, password: str) -> None:
    """Store a password in one transaction with its audit entry: without the entry no change."""
    person.set_password(password)
    attempt = SignInAttempt(SignInAct.PASSWORD, person.username, address_of(request))
    with one_transaction():
        person.save()
        record_sign_in(application(), attempt)


def _person(text: str, form: PasswordForm) -> User:
    """Use up the link and return its person, adding the first admin if the link is for them.

    The admin is added before the link is used, so that an invalid name leaves it valid. Adding the
    admin must not run in a transaction: the home is copied into the vault meanwhile, which reads
    the database.
    """
    app, given = application(), form.cleaned_data
    one_time_link = find_link(text, at=app.clock.now())
    user_id = None
    if one_time_link is not None and one_time_link.user is None:
        user_id = first_admin(app, given["name"], full_name=given["full_name"])
    link = use_link(text, at=app.clock.now())
    if link is None:
        if user_id is not None:  # somebody else used the link meanwhile
            get_user_model().objects.filter(pk=user_id).delete()
        raise _over()
    user = link.user if link.user is not None else user_id
    if user is None:
        raise _over()
    return get_user_model().objects.get(pk=user, is_active=True)


def _over() -> NotFound:
    return NotFound(
        "link-over",
        "This link was already used, or has expired.",
        next_step="Ask for a new link: `unlost user link NAME`, without a name for the first admin.",
    )
