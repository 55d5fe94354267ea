"""The chocolate maker's served org, and what a test does with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from fakes.runs import read_all
from unlost.connectors.salesforce import SalesforceConfig, SalesforceConnector
from unlost.connectors.salesforce.source import SalesforceSource
from unlost.model.ports.source import Context
from unlost.model.ports.system import Cache
from unlost.model.source.reading import Cursor, Page
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import FreeBudget, MemorySecretStore, NullObserver
from unlost_simulators.process import SimulatorProcess

SECRET = "not-a-secret-chocolate"
BACKUP = "backup@chocolate.example"
# A source believes no org that is ahead of our clock, so ours is never behind the org's.
AHEAD = timedelta(minutes=10)


class Maker:
    """The chocolate maker's org and what a test does with it."""

    def __init__(self, sim: SimulatorProcess) -> None:
        self.sim = sim
        self.admin = sim.admin
        self.budget = FreeBudget()
        self.clock = VirtualClock(self.org_time() + AHEAD)

    @contextmanager
    def source(
        self,
        *,
        client_id: str = "chocolate-backup",
        secrets: dict[str, str] | None = None,
        cache: Cache | None = None,
        **settings: Any,
    ) -> Iterator[SalesforceSource]:
        """A source; waits pass at once, for the clock is virtual."""
        config = SalesforceConfig(login_url=self.sim.url, client_id=client_id, **settings)
        context = Context(
            self.clock,
            SeededEntropy(),
            MemorySecretStore({"client_secret": SECRET} if secrets is None else secrets),
            self.budget,
            NullObserver(),
            cache,
        )
        with SalesforceConnector().open_source(config, context) as source:
            yield source

    def read(self, name: str, *, since: Cursor | None = None, **settings: Any) -> list[Page]:
        """All pages of a table."""
        with self.source(include=(name,), **settings) as source:
            table = source.discover().table(name)
            assert table is not None
            return read_all(source, table, since)

    def live(self, name: str, **query: Any) -> list[dict[str, Any]]:
        """What the org holds, by its own word."""
        return list(self.admin.get("export", object=name, **query)["rows"])

    def insert(self, name: str, *rows: dict[str, Any], **more: Any) -> list[str]:
        return list(self.admin.post("records/insert", object=name, rows=list(rows), **more)["ids"])

    def org_time(self) -> datetime:
        """The org's present, which goes on while a test runs."""
        return datetime.fromisoformat(self.admin.get("clock")["now"])

    def cursor(self) -> Cursor:
        """A cursor of the org's present."""
        return Cursor(str(self.admin.get("clock")["now"]))

    def fault(self, *, kind: str, **members: Any) -> None:
        """Plant a fault; a test that does not hit it fails."""
        self.admin.fault(kind, **members)

    def advance(self, **step: Any) -> None:
        self.admin.post("clock/advance", **step)
        self.clock.advance(seconds=timedelta(**step).total_seconds())


def last_ops(pages: list[Page]) -> dict[str, str]:
    """What counts for each id: the last word on it."""
    found: dict[str, str] = {}
    for page in pages:
        found |= zip(page.rows.ids.to_pylist(), page.rows.ops.to_pylist(), strict=True)
    return found
