"""A SAML identity provider with a sign-in page, at an origin of its own: it asks for an address and signs."""

import html
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from lxml import etree

from unit.web.idp import Says, identity, unpacked, written

PAGE = """<!doctype html><html lang="en"><title>Nano</title><link rel="icon" href="data:,">{body}</html>"""
ASKS = (
    '<form method="post"><label>Address <input name="address"></label><button>Go on</button></form>'
)
ANSWERS = """<form method="post" action="{place}"><input type="hidden" name="SAMLResponse" value="{text}">
<label>Here you are <input name="unused"></label><button>Back to Unlost</button></form>"""


class Door(BaseHTTPRequestHandler):
    """One page, which keeps the request in its address."""

    def do_GET(self) -> None:
        self._page(ASKS)

    def do_POST(self) -> None:
        asked = unpacked(parse_qs(urlsplit(self.path).query)["SAMLRequest"][0])
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        address, place = sent["address"][0], asked.get("AssertionConsumerServiceURL")
        says = Says(
            request=asked.get("ID"), email=address, name=address, recipient=place, destination=place,
            audience=asked.findtext("{*}Issuer"),
        )  # fmt: skip
        told = etree.tostring(written(says, signed=identity()))
        text = b64encode(told).decode()
        self._page(ANSWERS.format(place=html.escape(place), text=text))

    def _page(self, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.format(body=body).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def saml_provider() -> Iterator[str]:
    """Where it answers inside."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/sso"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
