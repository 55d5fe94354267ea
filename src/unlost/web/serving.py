"""Serve the console of one home: the process holds one opened home, shared by all requests.

    browser ─TLS─> proxy (optional) ─> uvicorn on 127.0.0.1 ─> ``asgi``: static files, Django

Without a proxy the console listens on the loopback address only, without TLS. Behind a proxy, the
origins decide which hosts and forms are accepted, and cookies are limited to TLS. Settings that
depend on the home are set by ``set_up`` before the first request; all others are in ``settings``.
See docs/adr/0016.
"""

import gc
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from unlost.model.errors import StoreError, UsageError
from unlost.web.served_home import serving
from unlost.web.signin.rules import DEFAULT_RULES, SignInRules

if TYPE_CHECKING:
    import uvicorn

    from unlost.app.compose import Application

SETTINGS = "unlost.web.settings"
PORT = 8484
LOOPBACK = "127.0.0.1"
NAMES = ("localhost", LOOPBACK, "[::1]")
INFO = b"unlost/home/web/1"
KEY_BYTES = 32
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ReachedAddress:
    """The address of the console.

    ``origins``, such as ``https://unlost.acme.example``, are those of a proxy that ends TLS;
    without any, the console is for this machine only, without TLS.
    """

    port: int = PORT
    host: str = LOOPBACK
    origins: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names under which it answers, as in the header ``Host``, without the port."""
        return (*NAMES, *(urlsplit(origin).hostname or "" for origin in self.origins))

    @property
    def url(self) -> str:
        """The address to show to people."""
        return self.origins[0] if self.origins else f"http://{self.host}:{self.port}"


@contextmanager
def holding(app: "Application") -> Iterator[None]:
    """Serve this home while the context is open; opens slow parts in advance, if possible."""
    from contextlib import suppress

    from unlost.model.errors import UnlostError
    from unlost.web.signin.audit_notes import noting

    # The console also has to run, and show the error, if the vault cannot be opened.
    with suppress(UnlostError):
        _ = app.whole_vault
    _ = app.locks, app.steps
    with serving(app), noting():
        yield


def set_up(home_key: bytes, reached: ReachedAddress, *, rules: SignInRules = DEFAULT_RULES) -> None:
    """Configure Django for the home; call it before the first request."""
    from django.conf import settings

    secure = bool(reached.origins) and all(
        origin.startswith("https://") for origin in reached.origins
    )
    config: dict[str, Any] = {
        "SECRET_KEY": secret_key(home_key),
        "ALLOWED_HOSTS": list(reached.hosts),
        "CSRF_TRUSTED_ORIGINS": list(reached.origins),
        "SIGN_IN_RULES": rules,
        "SESSION_COOKIE_AGE": int(rules.session.total_seconds()),
        "SESSION_COOKIE_SECURE": secure,
        "CSRF_COOKIE_SECURE": secure,
        "SECURE_HSTS_SECONDS": 31_536_000 if secure else 0,
        # set by the proxy, which must drop this header from browsers
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if secure else None,
    }
    for name, value in config.items():
        setattr(settings, name, value)


def secret_key(home_key: bytes) -> str:
    """Return the key that signs cookies, derived from the home's key file (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=INFO).derive(home_key).hex()


def origin_of(text: str) -> str:
    """Parse an origin; raises UsageError (``origin-invalid``)."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise UsageError(
            "origin-invalid",
            "{text!r} is not the address of a website.",
            next_step="Write it as https://unlost.acme.example, without a path.",
            text=text,
        )
    return f"{parts.scheme}://{parts.netloc}"


@contextmanager
def served(
    app: "Application",
    home_key: bytes,
    reached: ReachedAddress,
    *,
    rules: SignInRules = DEFAULT_RULES,
) -> Iterator[ReachedAddress]:
    """Serve requests in a thread while the context is open; raises StoreError (``port-taken``).

    Yields the address; with port 0 it has a free port.
    """
    import uvicorn

    from unlost.web.asgi import asgi
    from unlost.web.idle import CountedRequests, trim_after_requests

    set_up(home_key, reached, rules=rules)
    requests, stopped = CountedRequests(asgi(app.home.cache / "static")), threading.Event()
    server = uvicorn.Server(listening(requests, reached))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    with holding(app):
        thread = threading.Thread(target=_run, args=(server,), name="console", daemon=True)
        thread.start()
        trimming = threading.Thread(
            target=trim_after_requests, args=(requests, stopped), name="trim", daemon=True
        )
        trimming.start()
        try:
            _await(server, thread, reached)
            # Loaded modules are permanent: keep the garbage collector from scanning them during
            # requests.
            gc.freeze()
            yield replace(reached, port=server.servers[0].sockets[0].getsockname()[1])
        finally:
            gc.unfreeze()
            stopped.set()
            server.should_exit = True
            thread.join(START_SECONDS)


MOST_HEADER_BYTES = 64 << 10


def listening(asgi: Any, reached: ReachedAddress) -> "uvicorn.Config":
    """Return uvicorn's configuration. Forwarded addresses are trusted if there is a proxy.

    The proxy is on this machine, as no other machine can reach the port.
    """
    import uvicorn

    return uvicorn.Config(
        asgi,
        host=reached.host,
        port=reached.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(reached.origins),
        forwarded_allow_ips=reached.host,
        lifespan="off",
        # The other parser of uvicorn accepts headers of any length.
        http="h11",
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        ws="none",
    )


def _run(server: "uvicorn.Server") -> None:
    try:
        server.run()
    except SystemExit:  # the port is taken, which ``_await`` reports
        return


def _await(server: "uvicorn.Server", thread: threading.Thread, reached: ReachedAddress) -> None:
    while not server.started:
        thread.join(0.05)
        if not thread.is_alive():
            raise StoreError(
                "port-taken",
                "The console cannot listen on {host}:{port}.",
                next_step="Another program uses this port, perhaps another Unlost. Stop it, or "
                "choose another port with --port.",
                host=reached.host,
                port=reached.port,
            )


def use_settings() -> None:
    """Select the console's settings for Django; call it before importing ``unlost.app``."""
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS


def origins_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Parse origins."""
    return tuple(origin_of(text) for text in texts)
