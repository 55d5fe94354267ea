"""Admin actions on the server around the org: users' sessions, apps, jobs, settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from unlost_simulators.kit.latency import Latency
from unlost_simulators.salesforce.bulk.ingest_habits import IngestTiming
from unlost_simulators.salesforce.bulk.jobs import BulkTiming
from unlost_simulators.salesforce.bulk.pages import PageSizes
from unlost_simulators.salesforce.model.users import Permission, SimUser
from unlost_simulators.salesforce.oauth.apps import ConnectedApp, load_rsa_key
from unlost_simulators.salesforce.simulator import Simulator

type Wanted = Mapping[str, Any]
DELAYS = frozenset({"storage_delay", "record_count_delay", "commit_delay", "emptied_shown"})


class ServerActions:
    """Actions that do not touch records or schema."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim

    def overview(self, _wanted: Wanted) -> Any:
        """Give what a tester needs to begin: org, users, apps, clock, objects."""
        sim = self.sim
        return {
            "organization_id": sim.org.id18,
            "base_url": sim.settings.base_url,
            "now": sim.org.clock.now().isoformat(),
            "users": self.users({}),
            "apps": self.apps({}),
            "objects": sorted(each.name for each in sim.org.schema.objects),
        }

    def users(self, _wanted: Wanted) -> Any:
        """Give the users with their permissions and what is hidden from them."""
        return [_user_json(user) for user in self.sim.org.users.all()]

    def add_user(self, wanted: Wanted) -> Any:
        """Add or replace an API user: ``id``, ``username``, ``name``, ``permissions``, …"""
        values = dict(wanted)
        if "permissions" in values:
            values["permissions"] = frozenset(Permission(name) for name in values["permissions"])
        for name in ("group_ids", "hidden_objects"):
            if name in values:
                values[name] = frozenset(values[name])
        for name in ("hidden_fields", "read_only_fields", "denied"):
            if name in values:
                values[name] = frozenset(tuple(pair) for pair in values[name])
        known = self.sim.org.users.by_username(values["username"])
        user = SimUser(**values) if known is None else replace(known, **values)
        return _user_json(self.sim.org.users.put(user))

    def apps(self, _wanted: Wanted) -> Any:
        """Give the connected apps, without their secrets."""
        return [_app_json(app) for app in self.sim.apps.all()]

    def change_app(self, wanted: Wanted) -> Any:
        """Add or change an app by ``consumer_key``; members as in ``ConnectedApp``."""
        changes = {name: value for name, value in wanted.items() if name != "consumer_key"}
        if changes.get("approved") is not None:
            changes["approved"] = frozenset(changes["approved"])
        if changes.get("callbacks") is not None:
            changes["callbacks"] = frozenset(changes["callbacks"])
        if "public_keys" in changes:
            changes["public_keys"] = tuple(changes["public_keys"])
        return _app_json(self.sim.apps.change(wanted["consumer_key"], **changes))

    def add_key(self, wanted: Wanted) -> Any:
        """Register ``pem``, a public RSA key or certificate, with the app ``consumer_key``."""
        key, pem = wanted["consumer_key"], wanted["pem"]
        load_rsa_key(pem)
        app = self.sim.apps.get(key) or ConnectedApp(key)
        return _app_json(self.sim.apps.change(key, public_keys=(*app.public_keys, pem)))

    def expire_sessions(self, wanted: Wanted) -> Any:
        """End all sessions, the sessions of ``username``, or the one of ``token``."""
        if "token" in wanted:
            return {"ended": int(self.sim.sessions.end(wanted["token"]))}
        user_id = self.user_id(wanted["username"]) if "username" in wanted else None
        return {"ended": self.sim.sessions.end_all(user_id)}

    def session_settings(self, wanted: Wanted) -> Any:
        """Set ``idle_seconds``, after which a session dies on the virtual clock."""
        self.sim.sessions.idle_seconds = int(wanted["idle_seconds"])
        return {"idle_seconds": self.sim.sessions.idle_seconds}

    def grant_refresh(self, wanted: Wanted) -> Any:
        """Give a refresh token of ``username`` for the app ``consumer_key``."""
        token = self.sim.sessions.grant_refresh(
            self.user_id(wanted["username"]), consumer_key=wanted["consumer_key"]
        )
        return {"refresh_token": token}

    def revoke_grants(self, wanted: Wanted) -> Any:
        """Revoke all refresh tokens, or those of ``username``, as an administrator does."""
        user_id = self.user_id(wanted["username"]) if "username" in wanted else None
        return {"revoked": self.sim.sessions.revoke_grants(user_id)}

    def expire_cursors(self, _wanted: Wanted) -> Any:
        """Let all query locators expire."""
        return {"ended": self.sim.cursors.close_all()}

    def bulk(self, _wanted: Wanted) -> Any:
        """Give the timing, the page sizes and the jobs of Bulk 2.0."""
        jobs, loads = self.sim.jobs, self.sim.loads
        return {
            "ingest": {
                "timing": asdict(loads.timing),
                "habits": asdict(loads.habits),
                "jobs": [
                    {
                        "id": job.id,
                        "operation": job.order.operation,
                        "object": job.order.object,
                        "state": job.state,
                        "processed": job.load.processed,
                        "failed": job.load.failed,
                    }
                    for job in loads.all()
                ],
            },
            "timing": asdict(jobs.timing),
            "pages": asdict(self.sim.settings.page_sizes),
            "latency": asdict(self.sim.settings.latency),
            "jobs": [
                {"id": job.id, "object": job.order.object, "state": job.state, "rows": job.records}
                for job in jobs.all()
            ],
        }

    def change_bulk(self, wanted: Wanted) -> Any:
        """Change members of ``timing``, ``pages`` and ``latency``; of ingest jobs under ``ingest``."""
        jobs, settings, loads = self.sim.jobs, self.sim.settings, self.sim.loads
        ingest = wanted.get("ingest", {})
        if "timing" in ingest:
            loads.timing = IngestTiming(**{**asdict(loads.timing), **ingest["timing"]})
        if "habits" in ingest:
            loads.habits = loads.habits.changed(ingest["habits"])
        if "timing" in wanted:
            jobs.timing = BulkTiming(**{**asdict(jobs.timing), **wanted["timing"]})
        if "latency" in wanted:
            settings.latency = Latency(**{**asdict(settings.latency), **wanted["latency"]})
        if "pages" in wanted:
            settings.page_sizes = PageSizes(**{**asdict(settings.page_sizes), **wanted["pages"]})
        return self.bulk({})

    def configure(self, wanted: Wanted) -> Any:
        """Change settings of the org by name, as in ``OrgSettings``; delays are in seconds.

        ``used`` sets what is used of daily allocations: ``{"DailyApiRequests": 0}``.
        """
        org = self.sim.org
        for name, amount in wanted.get("used", {}).items():
            org.allocations.set(name, int(amount))
        changes = {name: value for name, value in wanted.items() if name != "used"}
        for name in DELAYS & set(changes):
            changes[name] = timedelta(seconds=float(changes[name]))
        settings = asdict(org.configure(**changes))
        return {name: _plain(value) for name, value in settings.items()}

    def tick(self) -> None:
        """Let jobs go on, as the clock has moved."""
        self.sim.jobs.tick()
        self.sim.loads.tick()

    def use(self) -> dict[str, int]:
        """Give the API use, and what is stored."""
        org = self.sim.org
        return {
            "api_used": org.api_usage()[0],
            "sessions": self.sim.sessions.count(),
            "data_bytes": org.storage.data_bytes(),
            "file_bytes": org.storage.file_bytes(),
        }

    def user_id(self, username: str) -> str:
        """Give the id of a user name."""
        user = self.sim.org.users.by_username(username)
        if user is None:
            raise ValueError(f"nobody is called {username}")
        return user.id


def _plain(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _user_json(user: SimUser) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "active": user.active,
        "consumer_key": user.consumer_key,
        "permissions": sorted(user.permissions),
        "hidden_fields": sorted(list(pair) for pair in user.hidden_fields),
        "hidden_objects": sorted(user.hidden_objects),
        "read_only_fields": sorted(list(pair) for pair in user.read_only_fields),
        "denied": sorted(list(pair) for pair in user.denied),
    }


def _app_json(app: ConnectedApp) -> dict[str, Any]:
    return {
        "consumer_key": app.consumer_key,
        "run_as": app.run_as,
        "public_keys": len(app.public_keys),
        "approved": None if app.approved is None else sorted(app.approved),
        "rotate_refresh": app.rotate_refresh,
        "password_flow": app.password_flow,
        "callbacks": None if app.callbacks is None else sorted(app.callbacks),
        "require_pkce": app.require_pkce,
    }
