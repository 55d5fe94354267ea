"""Django's settings. ``unlost.app.home.database`` chooses the database."""

from typing import Any

SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "OPTIONS": {
        # WAL lets readers and a writer work side by side; FULL makes a commit durable
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    },
}
# Those that have tables; the console is set up in ``unlost.web.settings``.
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "axes",
    "unlost.catalog",
]
MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]
# A process without a console has no sign-in.
SILENCED_SYSTEM_CHECKS = [
    "axes.W002",
    "axes.W003",
]
AUTH_USER_MODEL = "catalog.User"
DATABASES = {
    "default": SQLITE | {"NAME": ":memory:"},
    "copy": SQLITE | {"NAME": ":memory:"},  # a home's data while it is copied into or out of a file
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
