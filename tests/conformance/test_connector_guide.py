"""The connector that the guide for authors of connectors shows keeps its promises.

``test_commands`` runs the commands of the page, too.
"""

import base64
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from types import ModuleType
from typing import Any

import pytest

from docs.test_commands import FILE, write_files
from unlost.model.errors import NotAllowed, NotFound, TransientError
from unlost.model.org import OrgIdentity
from unlost.model.ports.source import Connector, Context
from unlost.model.ports.system import Budget
from unlost.testing.connecting import ConnectorContract, check_silence
from unlost.testing.connectors import SourceContract
from unlost.testing.moving_orgs import MovingOrgContract, MovingRightsContract
from unlost.testing.system import FreeBudget
from unlost.testing.writers import WriterContract

pytestmark = pytest.mark.network

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "write-a-connector.md"
CONTRACTS = (
    ConnectorContract, SourceContract, MovingOrgContract, MovingRightsContract, WriterContract,
)  # fmt: skip
LEFT_OUT = {MovingRightsContract}  # all users of a shop see everything


def shown() -> ModuleType:
    """The tests of the page, beside its other files."""
    folder = mkdtemp(prefix="unlost-guide-")
    write_files(PAGE, Path(folder))
    sys.path.insert(0, folder)
    try:
        return import_module("test_toy")
    finally:
        sys.path.remove(folder)


GUIDE = shown()
# Collected here, because the page is no module.
for name, value in vars(GUIDE).items():
    if name.startswith("Test") or name in {"server", "config", "source"}:
        globals()[name] = value


def contracts_of_the_guide() -> Iterator[type]:
    for value in vars(GUIDE).values():
        if isinstance(value, type) and value.__name__.startswith("Test"):
            yield from (contract for contract in CONTRACTS if issubclass(value, contract))


def test_the_guide_runs_all_contracts_that_it_names() -> None:
    assert {*contracts_of_the_guide()} == {*CONTRACTS} - LEFT_OUT
    text = PAGE.read_text("utf-8")
    for contract in CONTRACTS:
        assert f"`{contract.__module__.split('.')[-1]}.{contract.__name__}`" in text


def test_all_code_of_the_page_is_executed() -> None:
    text = PAGE.read_text("utf-8")
    blocks = text.count("```python\n") + text.count("```toml\n")
    assert len(FILE.findall(text)) == blocks > 5
    connector: Connector = GUIDE.CONNECTOR
    assert connector.name == "toy"


# --- connectors that break a promise --------------------------------------------------------------

SECRETS = {"token": "token-of-reader"}


class Proxy:
    """A connector that opens another source than that of the page."""

    def __init__(self, change: Callable[[Any, Any], Any]) -> None:
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(GUIDE.CONNECTOR, name)

    @contextmanager
    def open_source(self, config: Any, context: Context) -> Iterator[Any]:
        with GUIDE.CONNECTOR.open_source(config, context) as source:
            yield self._change(source, config)


def by_address(source: Any, config: Any) -> Any:
    source.identity = lambda: OrgIdentity("toy", config.url)
    return source


def talkative(source: Any, config: Any) -> Any:
    logging.getLogger("toy").debug("signed with %s", SECRETS["token"])
    return source


def talkative_in_base64(source: Any, config: Any) -> Any:
    signature = base64.b64encode(f"u1:{SECRETS['token']}".encode()).decode()
    logging.getLogger("toy").debug("signed with Basic %s", signature)
    return source


class FirstCalls(FreeBudget):
    """Forgets to take the calls of reads."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self.budget = budget

    def take(self, calls: int = 1) -> None:
        super().take(calls)
        if self.taken < 3:
            self.budget.take(calls)


class OnceCounted(Proxy):
    """Takes only the first calls from the budget."""

    def open_source(self, config: Any, context: Context) -> Any:
        return super().open_source(config, replace(context, budget=FirstCalls(context.budget)))


class Vague(Proxy):
    """Does not say which secret it needs."""

    def open_source(self, config: Any, context: Context) -> Any:
        if context.secrets.get("token") is None:
            raise NotAllowed("secret-missing", "Something is missing.", next_step="Add it.")
        return super().open_source(config, context)


class Unbounded(Proxy):
    """Makes calls without a budget."""

    def open_source(self, config: Any, context: Context) -> Any:
        return super().open_source(config, replace(context, budget=FreeBudget()))


class Shouting(Proxy):
    """Repeats the secret in an error."""

    def open_source(self, config: Any, context: Context) -> Any:
        key = context.secrets.get("token")
        if key != SECRETS["token"]:
            raise NotAllowed(
                "secret-refused", "The key {key} is wrong.", next_step="Type.", key=key
            )
        return super().open_source(config, context)


class Final(Proxy):
    """Takes an address without a service for a wrong one."""

    @contextmanager
    def open_source(self, config: Any, context: Context) -> Iterator[Any]:
        try:
            with super().open_source(config, context) as source:
                yield source
        except TransientError as error:
            raise NotFound("toy-nowhere", "No shop.", next_step="Look.") from error


def unchanged(source: Any, config: Any) -> Any:
    return source


@pytest.mark.parametrize(
    ("broken", "promise", "logs"),
    [
        (Proxy(by_address), "test_the_identity_is_that_of_the_org", False),
        (Proxy(talkative), "test_no_secret_is_logged", True),
        (Shouting(unchanged), "test_a_wrong_secret_is_reported", True),
        (Proxy(talkative_in_base64), "test_no_secret_is_logged", True),
        (Vague(unchanged), "test_a_missing_secret_is_named", False),
        (Unbounded(unchanged), "test_calls_are_counted_and_limited", False),
        (OnceCounted(unchanged), "test_calls_are_counted_and_limited", False),
        (Final(unchanged), "test_an_org_that_does_not_answer_is_tried_again", True),
    ],
    ids=[
        "identity",
        "log",
        "error",
        "base64",
        "missing",
        "budget",
        "reads",
        "unreachable",
    ],
)
def test_a_broken_connector_is_noticed(
    broken: Any,
    promise: str,
    logs: bool,
    server: Any,
    config: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    contract = GUIDE.TestToyConnector()
    contract.shop = server.shop
    more = [caplog] if logs else []
    getattr(contract, promise)(GUIDE.CONNECTOR, config, SECRETS, *more)
    server.shop.name = "shop-1"
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(contract, promise)(broken, config, SECRETS, *more)


def test_each_test_opens_the_org_in_the_context_of_the_author(server: Any, config: Any) -> None:
    contexts: list[Context] = []

    class OwnContext(GUIDE.TestToyConnector):  # type: ignore[misc, name-defined]
        def context(self, secrets: Any, **ports: Any) -> Context:
            contexts.append(super().context(secrets, **ports))
            return contexts[-1]

    OwnContext().test_the_required_secrets_are_enough(GUIDE.CONNECTOR, config, SECRETS)
    assert len(contexts) == 1


@pytest.mark.parametrize("user", ["", "u:", "us:", "usr:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_in_base64_is_noticed(user: str, encode: Callable[[bytes], bytes]) -> None:
    secret = "k\u00ffy>>?-of-reader"
    text = encode(f"{user}{secret}".encode()).decode()
    check_silence("of reader", {"key": secret})
    with pytest.raises(AssertionError, match="the secret key"):
        check_silence(f"Basic {text}", {"key": secret})
