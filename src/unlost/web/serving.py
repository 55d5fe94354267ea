"""Serves the console of one home: a process holds one opened home, and each request acts in it."""

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
    """Where people reach the console. ``origins``: such as ``https://unlost.acme.example``, behind a
    proxy of yours that ends TLS; none: this machine alone, without TLS.
    """

    port: int = PORT
    host: str = LOOPBACK
    origins: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The address to tell people."""
        return self.origins[0] if self.origins else f"http://{self.host}:{self.port}"


@contextmanager
def holding(app: "Application") -> Iterator[None]:
    """Serve this home inside. What is slow to open is opened now, if it can be."""
    from contextlib import suppress

    from unlost.model.errors import UnlostError
    from unlost.web.signin.audit_notes import noting

    with suppress(UnlostError):
        _ = app.whole_vault
    _ = app.locks, app.steps
    with serving(app), noting():
        yield


def set_up(home_key: bytes, reached: ReachedAddress) -> None:
    """Tell Django what depends on the home; call it before the first request."""
    from django.conf import settings

    hosts = [*NAMES, *(urlsplit(origin).hostname or "" for origin in reached.origins)]
    secure = bool(reached.origins) and all(
        origin.startswith("https://") for origin in reached.origins
    )
    config: dict[str, Any] = {
        "SECRET_KEY": secret_key(home_key),
        "ALLOWED_HOSTS": hosts,
        "CSRF_TRUSTED_ORIGINS": list(reached.origins),
        "SESSION_COOKIE_SECURE": secure,
        "CSRF_COOKIE_SECURE": secure,
        "SECURE_HSTS_SECONDS": 31_536_000 if secure else 0,
        # a proxy in front says so; it must drop what browsers send under this name
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if secure else None,
    }
    for name, value in config.items():
        setattr(settings, name, value)


def secret_key(home_key: bytes) -> str:
    """What signs cookies: derived from the home's key file (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=INFO).derive(home_key).hex()


def origin_of(text: str) -> str:
    """An origin as it was typed; raises UsageError (``origin-invalid``)."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise UsageError(
            "origin-invalid",
            f"{text!r} is not the address of a site.",
            next_step="Write it as https://unlost.acme.example, without a path.",
        )
    return f"{parts.scheme}://{parts.netloc}"


@contextmanager
def served(
    app: "Application", home_key: bytes, reached: ReachedAddress
) -> Iterator[ReachedAddress]:
    """Answer requests in a thread of its own inside; raises StoreError (``port-taken``).

    Gives where it is reached: with port 0 one that was free.
    """
    import uvicorn

    from unlost.web.asgi import asgi

    set_up(home_key, reached)
    server = uvicorn.Server(listening(asgi(app.home.cache / "static"), reached))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    with holding(app):
        thread = threading.Thread(target=_run, args=(server,), name="console", daemon=True)
        thread.start()
        try:
            _await(server, thread, reached)
            gc.freeze()  # what was loaded stays: no request waits until all of it was looked through
            yield replace(reached, port=server.servers[0].sockets[0].getsockname()[1])
        finally:
            gc.unfreeze()
            server.should_exit = True
            thread.join(START_SECONDS)


def listening(asgi: Any, reached: ReachedAddress) -> "uvicorn.Config":
    """How to listen. What a proxy tells of the browser's address is believed where there is one.

    The proxy is on this machine: nobody else reaches the port.
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
        ws="none",
    )


def _run(server: "uvicorn.Server") -> None:
    try:
        server.run()
    except SystemExit:  # the port is taken; who waits for the start says so
        return


def _await(server: "uvicorn.Server", thread: threading.Thread, reached: ReachedAddress) -> None:
    while not server.started:
        thread.join(0.05)
        if not thread.is_alive():
            raise StoreError(
                "port-taken",
                f"The console cannot listen on {reached.host}:{reached.port}.",
                next_step="Another program listens there, perhaps another Unlost. Stop it, or "
                "choose another port with --port.",
            )


def use_settings() -> None:
    """Let Django be set up for the console; call it before anything of ``unlost.app``."""
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS


def origins_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Origins as they were typed."""
    return tuple(origin_of(text) for text in texts)
