"""Additions to the API's description where types alone say too little or too much."""

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from unlost.app.operations import BYTES, ApiOperation

# RFC 3339 requires an offset in a time of day, which `format: time` would promise
TIME_OF_DAY = {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$"}
ROOT = "/api/v1/"
REF = "#/components/schemas/"
BINARY = {"type": "string", "format": "binary"}


def of_bytes(operation: ApiOperation) -> dict[str, Any]:
    """Return the description of an operation's byte bodies, which types do not express."""
    operation_schema: dict[str, Any] = {}
    if operation.takes:
        operation_schema["requestBody"] = {
            "required": True,
            "content": {BYTES: {"schema": dict(BINARY)}},
        }
    if operation.gives:
        content = {operation.gives: {"schema": dict(BINARY)}}
        operation_schema["responses"] = {200: {"description": "OK", "content": content}}
    return operation_schema


class DescribedAPI(NinjaAPI):
    """An API whose description forbids unknown fields and specifies times of day exactly."""

    def get_root_path(self, path_params: dict[str, Any]) -> str:
        """Return the address of the API."""
        return ROOT

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Return the description, from the types and the additions here."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        _write_times(schema)
        for path in schema["paths"].values():
            for operation in path.values():
                _close(operation, schema["components"]["schemas"])
        return schema


def _write_times(part: Any) -> None:
    if isinstance(part, dict):
        if part.get("format") == "time":
            del part["format"]
            part |= TIME_OF_DAY
        for node in part.values():
            _write_times(node)
    elif isinstance(part, list):
        for node in part:
            _write_times(node)


def _close(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Forbid unknown fields in a body, unless it is a mapping."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        body = content["schema"]
        named = schemas.get(body.get("$ref", "").removeprefix(REF), body)
        if "properties" in named:
            named["additionalProperties"] = False
