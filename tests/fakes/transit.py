"""A transit engine as OpenBao has it, in a thread: it seals and opens, refuses, or has troubles."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "s.only-this-one"
KEY = "unlost"


@dataclass
class Bao:
    """What it knows. ``status`` and ``body``: what it answers in place of the truth."""

    url: str = ""
    sealed: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=lambda: {KEY})
    asked: list[str] = field(default_factory=list)
    status: int = 0
    body: bytes = b""

    def answer(self, path: str, token: str, told: dict[str, str]) -> tuple[int, bytes]:
        """Status and body."""
        self.asked.append(path)
        if self.status:
            return self.status, self.body
        act, _, key = path.removeprefix("/v1/transit/").partition("/")
        if token != TOKEN:
            return 403, b'{"errors":["permission denied"]}'
        if key not in self.keys:
            return 400, b'{"errors":["encryption key not found"]}'
        return 200, json.dumps({"data": self._done(act, told)}).encode()

    def _done(self, act: str, told: dict[str, str]) -> dict[str, str]:
        if act == "encrypt":
            name = f"vault:v1:{len(self.sealed)}"
            self.sealed[name] = told["plaintext"]
            return {"ciphertext": name}
        return {"plaintext": self.sealed[told["ciphertext"]]}


@contextmanager
def serving() -> Iterator[Bao]:
    """One that answers on loopback."""
    bao = Bao()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer as it stands."""
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = bao.answer(self.path, self.headers.get("X-Vault-Token", ""), told)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    bao.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield bao
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
