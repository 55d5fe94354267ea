"""Styles and scripts come from installed packages, compressed for browsers that take it."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.finders import find

from homes import World
from unlost.web.asgi import asgi

SHEET = "unlost/unlost.css"


def ask(app: Any, path: str, *, accept: str = "") -> tuple[int, dict[str, str], bytes]:
    """The status, the head and the body of an answer."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"accept-encoding", accept.encode())]
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": headers,
        "query_string": b"", "scheme": "http", "server": ("localhost", 80), "http_version": "1.1",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    head = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], head, b"".join(one.get("body", b"") for one in sent[1:])


@pytest.fixture
def plain() -> bytes:
    place = find(SHEET)
    assert isinstance(place, str)
    return Path(place).read_bytes()


def test_a_browser_that_takes_it_gets_less(world: World, tmp_path: Path, plain: bytes) -> None:
    app = asgi(tmp_path / "static")
    status, head, body = ask(app, f"/static/{SHEET}", accept="gzip, br")
    assert (status, head["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == plain
    assert len(body) < len(plain) / 3
    status, head, body = ask(app, f"/static/{SHEET}")
    assert (status, body) == (200, plain)
    assert "content-encoding" not in head


def test_what_is_kept_is_renewed_with_its_file(world: World, tmp_path: Path, plain: bytes) -> None:
    kept = tmp_path / "static"
    asgi(kept)
    earlier = gzip.compress(b"old", mtime=0)
    (kept / f"{SHEET}.gz").write_bytes(earlier)
    asgi(kept)
    assert ask(asgi(kept), f"/static/{SHEET}", accept="gzip")[2] == earlier, "as it is"
    (kept / SHEET).write_bytes(b"old")
    assert gzip.decompress(ask(asgi(kept), f"/static/{SHEET}", accept="gzip")[2]) == plain


def test_where_nothing_can_be_kept_files_are_served_as_they_are(
    world: World, tmp_path: Path, plain: bytes
) -> None:
    (tmp_path / "static").write_text("no folder")
    assert ask(asgi(tmp_path / "static"), f"/static/{SHEET}", accept="gzip")[2] == plain
