"""One running simulator: the org with everything that stands around it.

Knows no HTTP; the handlers under ``http`` and the admin API read and change it.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlost_simulators.kit.faults import FaultPlan
from unlost_simulators.kit.latency import Latency
from unlost_simulators.kit.request_log import RequestLog
from unlost_simulators.salesforce.bulk.ingest_jobs import IngestJobStore
from unlost_simulators.salesforce.bulk.jobs import QueryJobStore
from unlost_simulators.salesforce.bulk.pages import GzipPages
from unlost_simulators.salesforce.bulk.render import Rendered
from unlost_simulators.salesforce.bulk.results import ResultCache
from unlost_simulators.salesforce.cursors import CursorStore
from unlost_simulators.salesforce.etags import DescribeStamps
from unlost_simulators.salesforce.faults import SalesforceRule
from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.allocations import BULK_QUERY_MB
from unlost_simulators.salesforce.oauth.apps import AppRegistry, ConnectedApp
from unlost_simulators.salesforce.oauth.consent import Consent
from unlost_simulators.salesforce.oauth.grants import TokenIssuer
from unlost_simulators.salesforce.oauth.sessions import SessionStore
from unlost_simulators.salesforce.row_faults import RowFaults
from unlost_simulators.salesforce.server_settings import ServerSettings

if TYPE_CHECKING:
    from unlost_simulators.salesforce.org import Org
    from unlost_simulators.salesforce.scenarios.scenario import Act

RENDER_THREADS = 4
FIRST_COUNTER = 62**4 * 7


@dataclass(slots=True)
class IdMaker:
    """Makes ids for what is no record: jobs and query locators."""

    _counter: int = FIRST_COUNTER
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def make(self, prefix: str) -> str:
        """Give the next id of 18 characters with this key prefix."""
        with self._lock:
            self._counter += 1
            return ids.make(prefix, self._counter)


class Simulator:
    """The state of one simulated org, from its rows to its planted faults.

    ``cache`` keeps rendered Bulk results; without it they live in a folder that ``close`` removes.
    """

    def __init__(
        self,
        org: Org,
        *,
        apps: Iterable[ConnectedApp] = (),
        settings: ServerSettings | None = None,
        cache: Path | None = None,
        acts: Mapping[str, Act] | None = None,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.org = org
        self.acts = dict(acts or {})
        self.settings = settings or ServerSettings()
        self.ids = IdMaker()
        now = org.clock.now
        self.apps = AppRegistry([*apps_of_users(org), *apps])
        self.sessions = SessionStore(org.id18, now)
        self.consent = Consent(self.apps, self.sessions, org.users)
        self.tokens = TokenIssuer(
            org_id=org.id18,
            base_url=lambda: self.settings.base_url,
            apps=self.apps,
            sessions=self.sessions,
            users=org.users,
            now=now,
            wall_clock=wall_clock,
        )
        self.faults: FaultPlan[SalesforceRule] = FaultPlan()
        org.mishaps = RowFaults(self.faults)
        self.log = RequestLog(now)
        self.cursors = CursorStore(now)
        self.stamps = DescribeStamps(now)
        self._own_cache = cache is None
        self._cache = cache or Path(tempfile.mkdtemp(prefix="unlost-sim-"))
        self.results = ResultCache(self._cache)
        self.gzip_pages = GzipPages()
        self._executor = ThreadPoolExecutor(RENDER_THREADS, thread_name_prefix="bulk")
        self.jobs = QueryJobStore(now, self._executor)
        self.jobs.on_complete = self._count_result
        self.results.in_use = self.jobs.folders
        self._uploads = Path(tempfile.mkdtemp(prefix="unlost-sim-uploads-"))
        self.loads = IngestJobStore(org, self._executor, self._uploads)

    @property
    def latency(self) -> Latency:
        """Response times of calls, as the settings have them now."""
        return self.settings.latency

    def facts(self) -> Mapping[str, Any]:
        """Give what the command prints of the org when it is ready, beside its addresses.

        The secrets in it open nothing but this simulated org.
        """
        return {
            "organization_id": self.org.id18,
            "now": self.org.clock.now().isoformat(),
            "apps": [
                {
                    "consumer_key": app.consumer_key,
                    "consumer_secret": app.consumer_secret,
                    "run_as": app.run_as,
                }
                for app in self.apps.all()
            ],
            "users": [user.username for user in self.org.users.all()],
        }

    def revision(self) -> str:
        """Give a text that changes with every row and every definition of the org."""
        store = self.org.store
        store.settle()
        writes = sum(store.generation(each.name) for each in store.schema.objects)
        return f"{store.schema.version}.{writes}"

    def _count_result(self, result: Rendered) -> None:
        megabytes = -(-result.size // (1 << 20))
        self.org.allocations.count(BULK_QUERY_MB, megabytes)

    def close(self) -> None:
        """Stop the workers and remove results that were not meant to be kept."""
        self.loads.stop()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self.cursors.close_all()
        self.org.close()
        shutil.rmtree(self._uploads, ignore_errors=True)
        if self._own_cache:
            shutil.rmtree(self._cache, ignore_errors=True)


def apps_of_users(org: Org) -> list[ConnectedApp]:
    """Give the connected apps whose run-as user the scenario named."""
    return [
        ConnectedApp(user.consumer_key, user.consumer_secret, run_as=user.username)
        for user in org.users.all()
        if user.consumer_key is not None
    ]
