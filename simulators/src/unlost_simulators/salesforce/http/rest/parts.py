"""Multipart bodies as Salesforce reads and refuses them."""

from __future__ import annotations

from typing import Any

from unlost_simulators.kit.http import multipart
from unlost_simulators.kit.http.multipart import NotMultipart, Part
from unlost_simulators.salesforce.http.json_texts import record_json
from unlost_simulators.salesforce.model.errors import SalesforceError


def read(body: bytes, content_type: str) -> list[Part]:
    """Give the parts of a multipart body; what is none is INVALID_MULTIPART_REQUEST."""
    try:
        return multipart.read(body, content_type)
    except NotMultipart as error:
        raise SalesforceError(400, "INVALID_MULTIPART_REQUEST", str(error)) from None


def json_object(part: Part) -> dict[str, Any]:
    """Read a part as a JSON object; its numbers keep all their digits."""
    return record_json(part.body)
