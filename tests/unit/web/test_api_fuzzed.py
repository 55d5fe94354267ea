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

from scenes import Lead
from sweeps import sampled
from unit.web.conftest import served_home
from unlost.app.actions.people.people import add
from unlost.app.actions.people.tokens import make
from unlost.model.access import Role
from unlost.web.asgi import asgi

pytestmark = (
    pytest.mark.network
)  # the client of ASGI has an event loop, which has a pair of sockets
DESCRIBED = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
SCHEMA = schemathesis.openapi.from_dict(json.loads(DESCRIBED.read_text("utf-8")))
MODES = list(GenerationMode)
EACH = [
    (method, path, mode)
    for path, methods in SCHEMA.raw_schema["paths"].items()
    for method in methods
    for mode in MODES
]
SEMANTIC = [positive_data_acceptance]  # that no org has a name, say, no schema can tell
PATIENCE = 120  # seconds, on a busy machine
SHARE = 10  # of the examples of a profile: there are some 190 operations and modes
EVERY = 5  # so many of them are asked by `make test`: odd, so that both modes are among them


@pytest.fixture(scope="module")
def headers(lived: Lead, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """How a program of an admin signs in, at a home that all operations share."""
    with served_home(tmp_path_factory.mktemp("api") / "home", lived) as world:
        add(world.app, "ada", role=Role.ADMIN)
        text = make(world.app, "fuzz", role=Role.ADMIN, owner="ada").text
        SCHEMA.app = asgi()
        yield {"Authorization": f"Bearer {text}"}


def worded(asked: tuple[str, str, Any]) -> str:
    method, path, mode = asked
    return f"{method} {path}-{mode.value}"


@pytest.mark.parametrize("asked", sampled(EACH, every=EVERY, name=worded))
def test_the_api_does_what_it_says(headers: dict[str, str], asked: tuple[str, str, Any]) -> None:
    method, path, mode = asked
    operation = SCHEMA[path][method]

    @settings(
        max_examples=settings.default.max_examples // SHARE, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(
            excluded_checks=SEMANTIC, base_url="http://localhost", headers=headers, timeout=PATIENCE
        )

    ask()
