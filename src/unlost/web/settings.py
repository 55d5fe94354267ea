"""Django's settings for a process that serves the console; database settings are in ``app``.

Settings that depend on the home (its key and addresses) are set by ``serving``.
"""

import os
from pathlib import Path

from django.utils.csp import CSP

from unlost.app.people.saml import speaks_saml
from unlost.catalog.settings import *  # noqa: F403
from unlost.catalog.settings import INSTALLED_APPS as WITH_TABLES
from unlost.model.access import LOCKED_AFTER, LOCKED_FOR
from unlost.web.signin.rules import DEFAULT_RULES

HERE = Path(__file__).parent

INSTALLED_APPS = [
    *WITH_TABLES,
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth.socialaccount.providers.openid_connect",
    "unlost.web",
    *(["unlost.web.signin.saml"] if speaks_saml() else []),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "unlost.web.middleware.QuietHeaders",
    "unlost.web.api.problem.InJson",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "unlost.web.signin.limits.SessionMiddleware",  # before those that use the user
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "unlost.web.middleware.ActorMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "unlost.web.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],  # before those of apps, to replace allauth's templates
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "unlost.web.parts.frame.frame",
            ],
            "builtins": [
                "unlost.web.templatetags.unlost",
                "unlost.web.templatetags.cells",
                "unlost.web.templatetags.differences",
                "unlost.web.templatetags.days",
                "unlost.web.templatetags.audit",
            ],
        },
    }
]
STATIC_URL = "/static/"
STYLE_PAGE = os.environ.get("UNLOST_STYLE_PAGE") == "1"  # serve /style/, a page of all components
USE_I18N = True
LANGUAGES = [("en", "English"), ("ar", "العربية")]
# Each connector has a folder with the translations of its texts.
LOCALE_PATHS = [HERE / "locale", *sorted(HERE.parent.glob("connectors/*/locale"))]

# --- signing in ------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "unlost.web.signin.adapter.ClosedAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_FORMS = {"login": "unlost.web.signin.forms.SignIn"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
SOCIALACCOUNT_ADAPTER = "unlost.web.signin.adapter.InvitedAdapter"
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # the adapter finds the person instead
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_STORE_TOKENS = False
MFA_ADAPTER = "unlost.web.signin.adapter.SealedSecrets"
MFA_FORMS = {
    "add_webauthn": "unlost.web.signin.forms.AddPasskey",
    "edit_webauthn": "unlost.web.signin.forms.RenamePasskey",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
USERSESSIONS_TRACK_ACTIVITY = True
# allauth limits guessing too; its limit for a name is above that of axes, whose page comes first.
ACCOUNT_RATE_LIMITS = {"login_failed": f"20/m/ip,{LOCKED_AFTER * 2}/5m/key"}
AXES_FAILURE_LIMIT = LOCKED_AFTER
AXES_COOLOFF_TIME = LOCKED_FOR
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "unlost.web.signin.lockout.locked"
AXES_USERNAME_CALLABLE = "unlost.web.signin.lockout.typed_name"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # so that the time on the page stays true
AXES_DISABLE_ACCESS_LOG = True  # the audit knows
AXES_VERBOSE = False

SIGN_IN_RULES = DEFAULT_RULES

# --- cookies and headers --------------------------------------------------------------------------

SESSION_COOKIE_AGE = int(DEFAULT_RULES.session.total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "unlost.web.failing.forged"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000  # a page has at most 500 rows to select
