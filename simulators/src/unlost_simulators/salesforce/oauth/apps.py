"""Connected apps: who may ask for tokens, by which proof, and as whom."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """One external client app of the org.

    ``approved`` lists the usernames that an administrator pre-authorised for the JWT flow;
    ``None`` approves every user. ``password_flow`` is off by default, as in new orgs.
    ``callbacks`` lists the addresses to which the web server flow may lead; ``None`` allows all.
    """

    consumer_key: str
    consumer_secret: str | None = None
    run_as: str | None = None
    public_keys: tuple[str, ...] = ()
    approved: frozenset[str] | None = None
    rotate_refresh: bool = False
    password_flow: bool = False
    callbacks: frozenset[str] | None = None
    require_pkce: bool = False

    def rsa_keys(self) -> list[RSAPublicKey]:
        """Give the registered keys that can check an RS256 signature."""
        return [load_rsa_key(pem) for pem in self.public_keys]

    def may_redirect(self, address: str) -> bool:
        """Return true if the web server flow may lead to this address."""
        return self.callbacks is None or address in self.callbacks

    def approves(self, username: str) -> bool:
        """Return true if this user may be impersonated by the JWT flow."""
        return self.approved is None or username.lower() in {name.lower() for name in self.approved}


class AppRegistry:
    """The connected apps of one org, by consumer key."""

    def __init__(self, apps: Iterable[ConnectedApp] = ()) -> None:
        self._lock = threading.Lock()
        self._apps = {app.consumer_key: app for app in apps}

    def get(self, consumer_key: str) -> ConnectedApp | None:
        """Give the app of this key, if the org has one."""
        with self._lock:
            return self._apps.get(consumer_key)

    def put(self, app: ConnectedApp) -> None:
        """Add an app, or replace the one with the same key."""
        with self._lock:
            self._apps[app.consumer_key] = app

    def change(self, consumer_key: str, **changes: object) -> ConnectedApp:
        """Replace single settings of an app, making the app when it is new."""
        with self._lock:
            app = self._apps.get(consumer_key) or ConnectedApp(consumer_key)
            changed: ConnectedApp = replace(app, **changes)  # type: ignore[arg-type]
            self._apps[consumer_key] = changed
            return changed

    def all(self) -> list[ConnectedApp]:
        """Give all apps, in the order of their keys."""
        with self._lock:
            return [self._apps[key] for key in sorted(self._apps)]


def load_rsa_key(pem: str) -> RSAPublicKey:
    """Read an RSA public key from a PEM key or a PEM certificate, as the org's set-up page does."""
    raw = pem.encode()
    if "BEGIN CERTIFICATE" in pem:
        key: object = load_pem_x509_certificate(raw).public_key()
    else:
        key = load_pem_public_key(raw)
    if not isinstance(key, RSAPublicKey):
        raise TypeError("only RSA keys can sign JWT bearer assertions")
    return key
