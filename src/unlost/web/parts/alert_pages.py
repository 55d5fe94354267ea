"""Where in the console one sees to an alert: a page for each rule, with the right that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from unlost.model.access import Right
from unlost.model.alert import Alarm, Rule


@dataclass(frozen=True, slots=True)
class Page:
    """A page, by its name among the addresses; ``words`` stand on its link.

    It is that of the alarm's ``run`` or ``table``, where the alarm is about one.
    """

    name: str
    words: str | Promise
    right: Right = Right.LOOK
    certificate: bool = False  # of the newest night
    run: bool = False
    table: bool = False


_ORG = Page("org", _("See the org"))
_PROOF = Page("certificate", _("See the certificate"), certificate=True)
_RUN = Page("job", _("See the job"), run=True)
_LOST = Page("lost", _("See what was lost"), Right.READ, table=True)
_CHANGED = Page("compare", _("See what changed"), Right.READ, table=True)
_STORAGE = Page("storage", _("See the storage"))
_SCHEDULE = Page("schedule", _("Change the schedule"), Right.OPERATE)
_SETTINGS = Page("org-settings", _("Change settings and credentials"), Right.MANAGE)

PAGES: Mapping[Rule, Page] = {
    Rule.NIGHT_FAILED: _ORG,
    Rule.HOURLY_FAILED: _ORG,
    Rule.NIGHT_MISSED: _SCHEDULE,
    Rule.NIGHT_LATE: _ORG,
    Rule.NIGHT_PARKED: _SCHEDULE,
    Rule.RESTORE_HALTED: _RUN,
    Rule.RUN_STUCK: _RUN,
    Rule.ORG_REPLACED: _SETTINGS,
    Rule.NO_RECENT_BACKUP: _ORG,
    Rule.INCOMPLETE: _PROOF,
    Rule.TABLE_LOST: _PROOF,
    Rule.SCHEMA_DRIFT: _PROOF,
    Rule.UNUSUAL_LOSS: _LOST,
    Rule.UNUSUAL_CHANGE: _CHANGED,
    Rule.STORAGE: _STORAGE,
    Rule.STORAGE_FORECAST: _STORAGE,
    Rule.API_BUDGET: _SCHEDULE,
    Rule.CREDENTIAL_EXPIRES: _SETTINGS,
    Rule.VAULT_DAMAGED: Page("vault", _("See the vault")),
    Rule.VAULT_REPAIRED: Page("vault", _("See the vault")),
    Rule.MIRROR: Page("vault", _("See the vault")),
    Rule.VAULT_GROWS: Page("vault", _("See the vault")),
    Rule.SERVICE_SILENT: Page("checks", _("Check everything"), Right.MANAGE),
    Rule.DIGEST: Page("home", _("To the home page")),
}
OF_HOME = frozenset({"vault", "checks", "home"})  # pages that are of no org


def address(alarm: Alarm) -> str:
    """Where the page of an alarm is."""
    page = PAGES[alarm.rule]
    if page.name in OF_HOME or not alarm.org:
        return reverse(page.name if page.name in OF_HOME else "home")
    if page.run:
        return reverse(page.name, kwargs={"run": alarm.subject})
    place = {"org": alarm.org} | ({"at": "latest"} if page.certificate else {})
    found = reverse(page.name, kwargs=place)
    return f"{found}?{urlencode({'table': alarm.subject})}" if page.table else found
