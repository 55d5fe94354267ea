"""The console page for each alert rule, with the right that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from unlost.alerts.archive_alerts import WAITS
from unlost.app.compose import Application
from unlost.app.orgs.repaired_sign_in import repaired_by_credentials
from unlost.model.access import Right
from unlost.model.alert import AlertRule, RaisedAlert
from unlost.model.message import Message


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """A page, by its URL name; ``words`` is the text of its link.

    ``run``, ``table``, ``backup`` and ``losses``: the page of the run, table or backup that the alert
    is about, or the losses of the backup. ``watched``: the page of the watched set, ``policy`` that of
    the archive policy.
    """

    name: str
    words: str | Promise
    right: Right = Right.LOOK
    certificate: bool = False  # of the newest backup
    run: bool = False
    table: bool = False
    backup: bool = False
    losses: bool = False
    watched: bool = False
    policy: bool = False


_ORG = ConsolePage("org", _("See the org"))
_PROOF = ConsolePage("certificate", _("See the certificate"), certificate=True)
_RUN = ConsolePage("run", _("Show the run"), run=True)
_LOST = ConsolePage("lost", _("See what was lost"), Right.READ, table=True)
_CHANGED = ConsolePage("compare", _("See what changed"), Right.READ, table=True)
_STORAGE = ConsolePage("storage", _("See the storage"))
_SCHEDULE = ConsolePage("schedule", _("Change the schedule"), Right.OPERATE)
_SETTINGS = ConsolePage("org-settings", _("Change settings and credentials"), Right.MANAGE)

PAGES: Mapping[AlertRule, ConsolePage] = {
    AlertRule.NIGHT_FAILED: _ORG,
    AlertRule.HOURLY_FAILED: _ORG,
    AlertRule.NIGHT_MISSED: _SCHEDULE,
    AlertRule.NIGHT_LATE: _ORG,
    AlertRule.NIGHT_PARKED: _SCHEDULE,
    AlertRule.RESTORE_HALTED: _RUN,
    AlertRule.RUN_STUCK: _RUN,
    AlertRule.ORG_REPLACED: _SETTINGS,
    AlertRule.NO_RECENT_BACKUP: _ORG,
    AlertRule.INCOMPLETE: _PROOF,
    AlertRule.TABLE_LOST: _PROOF,
    AlertRule.SCHEMA_DRIFT: _PROOF,
    AlertRule.MASS_CHANGE: ConsolePage("mass-changes", _("Repair or accept"), backup=True),
    AlertRule.LOSS: ConsolePage("losses", _("Restore or dismiss"), Right.READ, losses=True),
    AlertRule.WATCHED: ConsolePage("watch", _("See the changes"), Right.READ, watched=True),
    AlertRule.ARCHIVE_SCHEDULE: ConsolePage(
        "archive-policy", _("See the policy"), Right.RESTORE, policy=True
    ),
    AlertRule.UNUSUAL_LOSS: _LOST,
    AlertRule.UNUSUAL_CHANGE: _CHANGED,
    AlertRule.STORAGE: _STORAGE,
    AlertRule.STORAGE_FORECAST: _STORAGE,
    AlertRule.API_BUDGET: _SCHEDULE,
    AlertRule.CREDENTIAL_EXPIRES: _SETTINGS,
    AlertRule.VAULT_DAMAGED: ConsolePage("vault", _("See the vault")),
    AlertRule.REMOVAL_WAITS: ConsolePage("vault", _("See the vault")),
    AlertRule.VAULT_REPAIRED: ConsolePage("vault", _("See the vault")),
    AlertRule.MIRROR: ConsolePage("vault", _("See the vault")),
    AlertRule.VAULT_GROWS: ConsolePage("vault", _("See the vault")),
    AlertRule.SERVICE_SILENT: ConsolePage("checks", _("Check everything"), Right.MANAGE),
    AlertRule.DIGEST: ConsolePage("home", _("Go to the home page")),
}
# Alerts about runs that fail if the credentials do; these are then repaired on another page.
BY_CREDENTIALS = frozenset({AlertRule.NIGHT_FAILED, AlertRule.HOURLY_FAILED})
OF_HOME = frozenset({"vault", "checks", "home"})  # pages that belong to no org


def page_of(app: Application, raised: RaisedAlert) -> ConsolePage:
    """Return the page that repairs or explains an alert."""
    page, cause = PAGES[raised.rule], raised.message.args.get("why")
    if raised.rule not in BY_CREDENTIALS or not isinstance(cause, Message):
        return page
    return _SETTINGS if repaired_by_credentials(app, raised.org, cause) else page


def address(raised: RaisedAlert, page: ConsolePage | None = None) -> str:
    """Return the address of an alert's page: the page of its rule, unless another one is given."""
    page = page or PAGES[raised.rule]
    if page.name in OF_HOME or not raised.org:
        return reverse(page.name if page.name in OF_HOME else "home")
    if page.run:
        return reverse(page.name, kwargs={"run": raised.subject})
    if page.backup and not raised.subject.isdecimal():
        return reverse("alerts")
    if page.backup:
        return reverse(page.name, kwargs={"org": raised.org, "backup": int(raised.subject)})
    if page.watched or page.policy:
        parts = raised.subject.rpartition("/")[0], raised.subject.removesuffix(WAITS)
        name = parts[page.policy]
        if not name:
            return reverse("watches")
        return reverse(page.name, kwargs={"org": raised.org, "name": name})
    if page.losses:
        of_backup = {"org": raised.org, "backup": raised.subject}
        return f"{reverse(page.name)}?{urlencode(of_backup)}"
    place = {"org": raised.org} | ({"at": "latest"} if page.certificate else {})
    location = reverse(page.name, kwargs=place)
    return f"{location}?{urlencode({'table': raised.subject})}" if page.table else location
