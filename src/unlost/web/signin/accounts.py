"""The enabled URLs of allauth; all others do not exist here.

There is no sign-up and no e-mail: no URL creates an account, changes an e-mail address or phone
number, or resets a forgotten password.
"""

from collections.abc import Callable
from functools import wraps

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import include, path

from unlost.app.people.saml import speaks_saml
from unlost.catalog.connection import one_transaction
from unlost.catalog.people.sso import SsoProtocol, list_providers
from unlost.model.errors import TransientError, UnlostError
from unlost.web.signin import sessions
from unlost.web.signin.confirming import confirm, confirmed
from unlost.web.signin.leaving import clears_browser, sends_away

type View = Callable[..., HttpResponse]


def asks_provider(view: View) -> View:
    """Report a provider that does not respond; raises TransientError (``sso-away``).

    Raises Http404 for a provider that does not use OpenID Connect.
    """

    @wraps(view)
    def checked(request: HttpRequest, provider_id: str) -> HttpResponse:
        if (provider_id, SsoProtocol.OIDC) not in {
            (provider.name, provider.kind) for provider in list_providers()
        }:
            raise Http404
        try:
            return view(request, provider_id)
        except UnlostError:
            raise
        except OSError as error:  # the base class of HTTP errors
            raise TransientError(
                "sso-away",
                "Your company's single sign-on does not answer.",
                next_step="Try again in a minute, or sign in with a password.",
            ) from error

    return checked


def recorded(view: View) -> View:
    """Make a change by a form and its audit entry one transaction: without the entry no change."""

    @wraps(view)
    def answered(request: HttpRequest, **named: int) -> HttpResponse:
        if request.method != "POST":
            return view(request, **named)
        with one_transaction():
            return view(request, **named)

    return answered


def _confirmed(page: str, view: View) -> Callable[..., HttpResponseBase]:
    """Ask for a confirmation before a person gets another way in; forms have a secret.

    allauth does not ask people who only sign in with a provider. With a stolen session, a password
    or a factor could be set, which then confirms everything.
    """
    return confirmed(page, secret=True)(recorded(view))


urlpatterns = [
    path("login/", sends_away(account.login), name="account_login"),
    path("logout/", clears_browser(account.logout), name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("confirm/", sends_away(confirm), name="account_confirm"),
    path("password/change/", recorded(account.password_change), name="account_change_password"),
    path(
        "password/set/",
        _confirmed("account_set_password", account.password_set),
        name="account_set_password",
    ),
    path("2fa/", mfa.index, name="mfa_index"),
    path("2fa/authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("2fa/reauthenticate/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path(
        "2fa/totp/activate/",
        _confirmed("mfa_activate_totp", totp.activate_totp),
        name="mfa_activate_totp",
    ),
    path("2fa/totp/deactivate/", recorded(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "2fa/recovery-codes/generate/",
        codes.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/download/",
        codes.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path("2fa/webauthn/", passkeys.list_webauthn, name="mfa_list_webauthn"),
    path(
        "2fa/webauthn/add/",
        _confirmed("mfa_add_webauthn", passkeys.add_webauthn),
        name="mfa_add_webauthn",
    ),
    path("2fa/webauthn/login/", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path(
        "2fa/webauthn/reauthenticate/",
        passkeys.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path("2fa/webauthn/keys/<int:pk>/edit/", passkeys.edit_webauthn, name="mfa_edit_webauthn"),
    path(
        "2fa/webauthn/keys/<int:pk>/remove/",
        recorded(passkeys.remove_webauthn),
        name="mfa_remove_webauthn",
    ),
    path("sessions/", sessions.sessions, name="usersessions_list"),
    path("sessions/<int:session>/end/", sessions.end, name="session-end"),
    path("sso-cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("sso-error/", social.login_error, name="socialaccount_login_error"),
    path(
        "sso/<slug:provider_id>/",
        sends_away(asks_provider(oidc.login)),
        name="openid_connect_login",
    ),
    path(
        "sso/<slug:provider_id>/callback/",
        asks_provider(oidc.callback),
        name="openid_connect_callback",
    ),
]
if speaks_saml():
    urlpatterns.append(path("saml/", include("unlost.web.signin.saml.urls")))
