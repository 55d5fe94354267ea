"""Audit entries from the sign-in signals of Django and its packages."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from allauth.account import signals as account
from allauth.core import context
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from axes.signals import user_locked_out
from django.contrib.auth import signals as auth
from django.db.models.signals import post_save
from django.http import HttpRequest

from unlost.app.people.sign_ins import SignInAct, SignInAttempt, SignInRefusal, record_sign_in
from unlost.web.served_home import application
from unlost.web.signin.adapter import address_of

WRONG_FACTOR = "code"


@contextmanager
def noting() -> Iterator[None]:
    """Audit sign-ins while the context is open."""
    heard = (
        (auth.user_logged_in, _signed_in),
        (auth.user_logged_out, _signed_out),
        (auth.user_login_failed, _failed),
        (user_locked_out, _locked_out),
        (account.password_changed, _password),
        (account.password_set, _password),
        (post_save, _factor_saved),
        (mfa.authenticator_added, _codes_added),
        (mfa.authenticator_removed, _factor_removed),
        (mfa.authenticator_reset, _factor_renewed),
        (mfa.authentication_failed, _factor_wrong),
    )
    for signal, listener in heard:
        signal.connect(listener)
    try:
        yield
    finally:
        for signal, listener in heard:
            signal.disconnect(listener)


def _note(
    request: HttpRequest | None,
    act: SignInAct,
    name: str,
    *,
    subject: str = "",
    refusal: SignInRefusal | None = None,
) -> None:
    seen = SignInAttempt(act, name, address_of(request), subject, refusal)
    record_sign_in(application(), seen)


def _signed_in(sender: object, request: HttpRequest, user: Any, **_: object) -> None:
    _note(request, SignInAct.SIGN_IN, user.username)


def _signed_out(sender: object, request: HttpRequest, user: Any, **_: object) -> None:
    if user is not None:
        _note(request, SignInAct.SIGN_OUT, user.username)


def _failed(
    sender: object,
    credentials: Mapping[str, Any],
    request: HttpRequest | None = None,
    **_: object,
) -> None:
    """Audit the name only, and nothing else that was typed. Lockouts have their own signal."""
    if getattr(request, "axes_locked_out", False):
        return
    name = str(credentials.get("username") or "")
    _note(request, SignInAct.SIGN_IN, name, refusal=SignInRefusal.WRONG)


def _locked_out(sender: object, request: HttpRequest, username: str, **_: object) -> None:
    _note(request, SignInAct.SIGN_IN, username, refusal=SignInRefusal.LOCKED)


def _password(sender: object, request: HttpRequest, user: Any, **_: object) -> None:
    _note(request, SignInAct.PASSWORD, user.username)


def _factor_saved(sender: object, instance: Any, *, created: bool, **_: object) -> None:
    """Audit a new factor in its transaction; allauth's own signal is too late to take it back."""
    if sender is Authenticator and created and not _is_codes(instance):
        _note(context.request, SignInAct.FACTOR_ADD, instance.user.username, subject=instance.type)


def _codes_added(
    sender: object, request: HttpRequest, user: Any, authenticator: Any, **_: object
) -> None:
    """Audit the recovery codes that come with the first factor."""
    if _is_codes(authenticator):
        _note(request, SignInAct.FACTOR_ADD, user.username, subject=authenticator.type)


def _is_codes(authenticator: Authenticator) -> bool:
    return bool(authenticator.type == Authenticator.Type.RECOVERY_CODES)


def _factor_removed(
    sender: object, request: HttpRequest, user: Any, authenticator: Any, **_: object
) -> None:
    _note(request, SignInAct.FACTOR_REMOVE, user.username, subject=authenticator.type)


def _factor_renewed(
    sender: object, request: HttpRequest, user: Any, authenticator: Any, **_: object
) -> None:
    _note(request, SignInAct.FACTOR_RENEW, user.username, subject=authenticator.type)


def _factor_wrong(sender: object, request: HttpRequest, user: Any, **_: object) -> None:
    _note(
        request,
        SignInAct.SIGN_IN,
        user.username,
        subject=WRONG_FACTOR,
        refusal=SignInRefusal.FACTOR_WRONG,
    )
