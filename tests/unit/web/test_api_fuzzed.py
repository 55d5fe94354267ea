"""The API does what its description says, for whatever a program may send (schemathesis)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from unit.web.conftest import served_home
from unlost.app.actions.people import add
from unlost.app.actions.tokens import make
from unlost.model.access import Role
from unlost.web.asgi import asgi

pytestmark = (
    pytest.mark.network
)  # the client of ASGI has an event loop, which has a pair of sockets
DESCRIBED = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
SCHEMA = schemathesis.openapi.from_dict(json.loads(DESCRIBED.read_text("utf-8")))
EACH = [
    (method, path) for path, methods in SCHEMA.raw_schema["paths"].items() for method in methods
]
SEMANTIC = [positive_data_acceptance]  # that no org has a name, say, no schema can tell
SHARE = 10  # of the examples of a profile: there are some 160 operations and modes


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """How a program of an admin signs in, at a home that all operations share."""
    with served_home(tmp_path_factory.mktemp("api") / "home") as world:
        add(world.app, "ada", role=Role.ADMIN)
        text = make(world.app, "fuzz", role=Role.ADMIN, owner="ada").text
        SCHEMA.app = asgi()
        yield {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), EACH, ids=[f"{m} {p}" for m, p in EACH])
def test_the_api_does_what_it_says(
    headers: dict[str, str], method: str, path: str, mode: Any
) -> None:
    operation = SCHEMA[path][method]

    @settings(
        max_examples=settings.default.max_examples // SHARE, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(
            excluded_checks=SEMANTIC, base_url="http://localhost", headers=headers
        )

    ask()
