"""The transit engine of OpenBao or HashiCorp Vault: a server that seals and opens small texts.

Their API documentation: secret/transit, "Encrypt data" and "Decrypt data". A request that cannot be
answered now raises TransientError, a refused one NotAllowed; neither repeats the token or the text.
"""

import base64
import binascii
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from unlost.model.errors import NotAllowed, TransientError, UsageError

SECONDS = 10.0
ANSWER_BYTES = 64 << 10
HERE = frozenset({"127.0.0.1", "localhost", "::1"})
BUSY = frozenset({408, 425, 429})
SHOWN_CHARACTERS = 200  # shown characters of the server's own text


@dataclass(frozen=True, slots=True)
class TransitKey:
    """A key of the engine: the server, the path where the engine is mounted, the key's name.

    ``ca_file`` holds certificates that are trusted in place of the system's.
    """

    address: str
    mount: str
    name: str
    ca_file: str = ""

    def check(self) -> None:
        """Raise UsageError (``transit-unclear``) for unusable or unsafe settings."""
        url = _parsed(self.address)
        if not url.host or (
            url.scheme != "https" and (url.scheme, url.host not in HERE) != ("http", False)
        ):
            raise _unclear("“{address}” is not an https address of a server.", address=self.address)
        parts = (*self.mount.strip("/").split("/"), self.name)
        if not all(part and part.replace("-", "").replace("_", "").isalnum() for part in parts):
            raise _unclear("The name of the transit key or of its mount is not valid.")

    def seal(self, text: str, *, token: str) -> str:
        """The ciphertext in the server's form."""
        content = base64.b64encode(text.encode()).decode()
        return self._asked("encrypt", {"plaintext": content}, "ciphertext", token)

    def open(self, ciphertext: str, *, token: str) -> str:
        """Decrypt a ciphertext."""
        reply = self._asked("decrypt", {"ciphertext": ciphertext}, "plaintext", token)
        try:
            return base64.b64decode(reply, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise self._away("the decrypted value is not text") from None

    def _asked(self, act: str, body: Mapping[str, str], wanted: str, token: str) -> str:
        self.check()
        url = f"{self.address.rstrip('/')}/v1/{self.mount.strip('/')}/{act}/{self.name}"
        headers = {"X-Vault-Token": token, "X-Vault-Request": "true", "Accept-Encoding": "identity"}
        try:
            with (
                httpx.Client(verify=self._trusted(), timeout=SECONDS, trust_env=False) as client,
                client.stream("POST", url, json=dict(body), headers=headers) as answer,
            ):
                status, content = answer.status_code, next(answer.iter_bytes(ANSWER_BYTES), b"")
        except httpx.HTTPError as error:
            raise self._away(str(error) or type(error).__name__) from error
        return self._told(status, _object(content), wanted)

    def _told(self, status: int, answer: Mapping[str, object], wanted: str) -> str:
        if status >= 500 or status in BUSY:
            raise self._away(f"it returned HTTP {status}{_why(answer)}")
        if status != httpx.codes.OK:
            raise NotAllowed(
                "transit-refused",
                "{address} refused to use the key “{key}” for this: {status}{why}.",
                next_step="Check the token, its policy and the key. Any other key of the vault "
                "and the recovery sheet still open the vault.",
                address=self.address,
                key=self.name,
                status=status,
                why=_why(answer),
            )
        data = answer.get("data")
        value = data.get(wanted) if isinstance(data, dict) else None
        if not isinstance(value, str):
            raise self._away("its response is not from a transit engine")
        return value

    def _trusted(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except OSError:
            raise _unclear(
                "The certificates in {file} cannot be read.", file=Path(self.ca_file)
            ) from None

    def _away(self, why: str) -> TransientError:
        return TransientError(
            "transit-away",
            "{address} did not respond as expected: {reason}.",
            next_step="The next try asks it again. Any other key of the vault and the recovery "
            "sheet still open the vault.",
            address=self.address,
            reason=why.rstrip("."),
        )


def _object(content: bytes) -> Mapping[str, object]:
    try:
        document = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _why(answer: Mapping[str, object]) -> str:
    """The server's own error text."""
    errors = answer.get("errors")
    messages = (
        [error for error in errors if isinstance(error, str)] if isinstance(errors, list) else []
    )
    return f" ({'; '.join(messages).strip()[:SHOWN_CHARACTERS]})" if messages else ""


def _parsed(address: str) -> httpx.URL:
    try:
        return httpx.URL(address)
    except httpx.InvalidURL:
        return httpx.URL("")


def _unclear(template: str, **args: object) -> UsageError:
    return UsageError(
        "transit-unclear",
        template,
        next_step="Use `--transit https://bao.example:8200 --transit-key NAME --token-file FILE`.",
        **args,
    )
