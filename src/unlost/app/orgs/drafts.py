"""Encrypted drafts: input that is not submitted yet and may contain secrets."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import msgspec

from unlost.app.compose import Application
from unlost.app.home.home import read_home_key
from unlost.catalog.orgs.secrets import NONCE_BYTES, seal, sealing_key, unseal
from unlost.model.errors import NotAllowed


def seal_draft(app: Application, content: Mapping[str, Any], *, place: str) -> str:
    """Encrypt a draft for the place where it will be stored."""
    key, nonce = sealing_key(read_home_key(app.home)), app.entropy.bytes(NONCE_BYTES)
    text = msgspec.json.encode(content).decode()
    return b64encode(seal(text, key=key, place=_place(place), nonce=nonce)).decode()


def open_draft(app: Application, sealed: str, *, place: str) -> Mapping[str, Any]:
    """Decrypt a draft; returns an empty one if that fails, so that it is typed again."""
    key = sealing_key(read_home_key(app.home))
    try:
        text = unseal(b64decode(sealed), key=key, place=_place(place))
    except (NotAllowed, ValueError):
        return {}
    content: Mapping[str, Any] = msgspec.json.decode(text)
    return content


def _place(place: str) -> bytes:
    return f"draft/{place}".encode()
