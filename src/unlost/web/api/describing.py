"""The API's description, where types alone say too little or too much."""

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

# RFC 3339 knows no time of day without an offset, which `format: time` would promise
TIME_OF_DAY = {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$"}
REF = "#/components/schemas/"


class DescribedAPI(NinjaAPI):
    """An API that says of its requests that they hold nothing else, and how times of day are written."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The description, from the types and from what is added here."""
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
        for one in part.values():
            _write_times(one)
    elif isinstance(part, list):
        for one in part:
            _write_times(one)


def _close(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Say that a body holds what is described and nothing else."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        body = content["schema"]
        named = schemas.get(body.get("$ref", "").removeprefix(REF), body)
        named["additionalProperties"] = False
