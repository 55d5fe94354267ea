"""A home with a value in each column of JSON, written by the product, and the readers of these columns.

The golden values have names of their own, so that tables and columns can be renamed by a migration.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from allauth.socialaccount.models import SocialApp
from django.db.models import Model, Q, QuerySet

from homes import SECRET, World, fill
from unit.app.shop import CUSTOMER, WRITER, Shop
from unlost.alerts.senders import sender
from unlost.app.actions.alerts.alerts import ChannelRequest, add_channel
from unlost.app.actions.alerts.alerts import _quiet as quiet_hours
from unlost.app.actions.alerts.alerts import _sender_settings as sender_settings
from unlost.app.actions.archive.saved_policies import PolicyRequest, save_policy
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.orgs.previews import _place as place_of_preview
from unlost.app.actions.orgs.previews import preview_state, request_preview, run_preview
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.people import sso as sso_actions
from unlost.app.actions.people.sso import NewProvider, NewSaml, add, add_saml
from unlost.app.actions.records.record_list import choose_columns
from unlost.app.actions.records.saved_searches import save_search, searches
from unlost.app.actions.records.watch import WatchRequest, add_watch
from unlost.app.actions.restores.kept_plan import (
    choose,
    make_plan_now,
    selection_of,
    show_stored_plan,
)
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest
from unlost.app.actions.restores.selections import change_selected, selected_records
from unlost.app.alerts.digest_email import DailyAt
from unlost.app.orgs.drafts import open_draft, seal_draft
from unlost.app.people import sso as providers
from unlost.app.people.saml import IdentityProvider
from unlost.app.records.search.query import RecordSearch
from unlost.app.restores.overrides import Overrides, TypedEdit
from unlost.catalog.alerts import list_channels
from unlost.catalog.archive_models import ArchivePolicyRow, SpaceEstimateRow
from unlost.catalog.conclusion_models import LossRow, MassBackupRow, MassLimitsRow
from unlost.catalog.losses import losses_of_backup
from unlost.catalog.mass_changes import backup_changes, limits_of, save_backup_changes, set_limits
from unlost.catalog.models import (
    AuditRow,
    ChannelRow,
    ListColumnsRow,
    MirrorRow,
    Night,
    Org,
    PlanRow,
    PreviewRow,
    SavedSearchRow,
    ScheduleRow,
    ScrubRow,
    SelectionRow,
    VaultCheck,
    WatchRow,
    WriterRow,
)
from unlost.catalog.orgs.archive_policies import saved_policies, store_policy
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.orgs.space_estimates import space_estimates, store_estimate
from unlost.catalog.orgs.watches import StoredWatch, store_hits, stored_watches
from unlost.catalog.orgs.writers import find_writer
from unlost.catalog.people.audit import BEGUN, newest
from unlost.catalog.people.list_columns import list_columns
from unlost.catalog.people.sso import list_providers, sealed_secret
from unlost.catalog.runs.nights import find_night
from unlost.catalog.runs.schedules import begin_night, schedule_of
from unlost.catalog.vault.checks import save_check, standing_check
from unlost.catalog.vault.erasing import PendingScrub, note_scrub, noted_scrubs
from unlost.catalog.vault.mirroring import last_mirror, save_mirror
from unlost.engine.records.matches import StateFilter
from unlost.kit.http.get import JsonDocument
from unlost.model.alert import Channel, ChannelKind
from unlost.model.archive import (
    ArchiveBranch,
    ArchivePolicy,
    BranchRule,
    Comparison,
    Condition,
)
from unlost.model.decoders import decoder_for
from unlost.model.mass_changes import (
    BackupChanges,
    MassChange,
    MassKind,
    MassLimits,
    UserShare,
)
from unlost.model.plan import RecordKey
from unlost.model.runs.night import CheckRecord
from unlost.model.runs.schedule import DueBackup
from unlost.model.space import SpaceCandidate, SpaceEstimate, SpaceKind
from unlost.model.vault.mirror import MirrorRecord
from unlost.model.watched import WatchHit
from unlost.testing.clock import START

NEW_ORG = NewOrg("memory", "sales", {"address": "one", "speed": 3}, {"password": SECRET})
ISSUER = "https://id.acme.example/tenant"
DISCOVERY = {"issuer": ISSUER, "authorization_endpoint": "https://login.acme.example/authorize"}
IDENTITY = IdentityProvider(ISSUER, "https://login.acme.example/saml", ("MIIC",))
NIGHT = "2026-03-05T01:00"
LIST = "lost/1/2/Account"
SEARCH = RecordSearch(
    "schoko",
    "sales",
    "Account",
    StateFilter.DELETED,
    "Ada",
    "2026-03-01",
    "2026-03-02",
    former=True,
    system="crm",
)
KEYS = (RecordKey("Account", "A1"), RecordKey("Contact", "C1"))


@dataclass(frozen=True, slots=True)
class WrittenHome:
    """A home with the ids of its plan and of its preview. ``values`` has the JSON of all columns."""

    world: World
    plan: str
    preview_id: str
    values: Mapping[str, Any] = field(default_factory=dict)


def write_home(folder: Path) -> WrittenHome:
    """Write a value into each column. The caller closes the world."""
    world = World(folder / "home")
    fill(world.org)
    app = world.app
    preview_id = request_preview(app, NEW_ORG).preview_id
    run_preview(app, preview_id)
    add_org(app, NEW_ORG)
    _add_channels(world)
    _add_providers(world)
    plan = _make_plan(world, folder)
    change(app, "sales", ScheduleChange(at="02:30", window=45, blackout=["08:00-18:00"], calls=40))
    change(app, "sales", ScheduleChange(hourly="Account"))
    change_selected(app, "sales", LIST, shown=[], selected=[f"Account/{CUSTOMER}", "Contact/C1"])
    save_search(app, "chocolate", SEARCH)
    _watch(app)
    _archive_policy(app)
    choose_columns(app, "sales", "Account", columns=("Phone", "Name"))
    _write_for_service()
    home = WrittenHome(world, plan, preview_id)
    values = {name: plain(column.values()) for name, column in COLUMNS.items()}
    return replace(home, values={**values, "look": plain(drafts(home))})


def _add_channels(world: World) -> None:
    """Add channels in the order of their names, in which they are read."""
    hook = ChannelRequest(
        name="b", kind=ChannelKind.WEBHOOK, url="https://10.0.0.1/x", private=True
    )
    heartbeat = replace(hook, name="a", kind=ChannelKind.HEARTBEAT)
    mail = ChannelRequest(
        name="c", kind=ChannelKind.EMAIL, host="mail.example", port=465, security="tls",
        user="ada", sender="unlost@acme.example", to=("ada@acme.example",), quiet="22:00-07:00",
        zone="Europe/Zurich", digest="08:00",
    )  # fmt: skip
    slack = ChannelRequest(name="d", kind=ChannelKind.SLACK)
    for channel in (heartbeat, hook, mail, slack):
        add_channel(world.app, channel, secret="https://hooks.example/secret")


def _add_providers(world: World) -> None:
    """Add providers without asking them."""
    with ExitStack() as stack:
        answer = JsonDocument(ISSUER, DISCOVERY)
        stack.enter_context(patch.object(providers, "get_document", return_value=answer))
        stack.enter_context(patch.object(sso_actions, "require_saml"))
        stack.enter_context(patch.object(sso_actions, "_identity_provider", return_value=IDENTITY))
        oidc = NewProvider(
            name="acme",
            title="Acme",
            issuer=ISSUER,
            client_id="console",
            secret="shh",
            vouches=True,
        )
        add(world.app, oidc)
        add_saml(world.app, NewSaml(name="saml", entity=ISSUER))


def _make_plan(world: World, folder: Path) -> str:
    shop = Shop(world)
    set_writer(world.app, replace(WRITER, config={"speed": 7}))
    shop.lose()
    shop.night()
    edit = TypedEdit(f"Account/{CUSTOMER}", "Name", "Schoko Bern")
    wanted = RestoreRequest(PlanRequest("sales", lost=("1", "2"), otherwise=Overrides((edit,))))
    plan = choose(world.app, "sales", wanted).plan
    make_plan_now(world.app, "sales", plan)
    return plan


def _write_for_service() -> None:
    oid = get_org("sales").oid
    due = DueBackup(NIGHT, START, ("2026-03-03T01:00",))
    begin_night(schedule_of(oid), due, at=START, next_at=None)
    damages = ("orgs/x/data/1: It is missing.",)
    save_check(CheckRecord(START, "full", 40, 1_000, damages, repaired=("orgs/x/data/2",)))
    mirror = MirrorRecord("s3://copy", START, damaged=("a",), strange=("b",), broken=("c",))
    save_mirror(mirror)
    note_scrub(oid, PendingScrub("erase-1", START, KEYS))
    share = UserShare("U1", 20, START, START)
    phones = MassChange("Account", MassKind.OVERWRITTEN, 20, 40, "Phone", (share,))
    save_backup_changes(oid, BackupChanges(2, 1, START, START, (phones,)))
    set_limits(oid, {"Account": MassLimits(column_rows=50, watched=True)})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of JSON. ``read`` reads its values through the product and gives them back as JSON.

    ``empty`` selects rows that never have a value, which are left out.
    """

    model: type[Model]
    field: str
    read: Callable[[WrittenHome], Any]
    empty: Q | None = None

    def rows(self) -> QuerySet[Any]:
        """All rows that may have a value."""
        rows = self.model._default_manager.order_by("pk")
        return rows.exclude(self.empty) if self.empty is not None else rows

    def values(self) -> list[Any]:
        """List the values of all rows."""
        return list(self.rows().values_list(self.field, flat=True))

    def put(self, values: list[Any]) -> None:
        """Replace the values of all rows."""
        rows = self.rows()
        for row, value in zip(rows, values, strict=True):
            rows.filter(pk=row.pk).update(**{self.field: value})


def _read_org(_home: WrittenHome) -> list[Any]:
    return [get_org("sales").config]


def _read_writer(_home: WrittenHome) -> list[Any]:
    return [find_writer(get_org("sales").oid)]


def _read_schedule(_home: WrittenHome) -> list[Any]:
    return [schedule_of(get_org("sales").oid).schedule]


def _read_missed(_home: WrittenHome) -> list[Any]:
    night = find_night(get_org("sales").oid, NIGHT)
    return [night.missed if night is not None else None]


def _check() -> CheckRecord:
    check = standing_check()
    assert check is not None
    return check


def _mirror() -> MirrorRecord:
    mirror = last_mirror()
    assert mirror is not None
    return mirror


def _read_channels(_home: WrittenHome) -> list[Any]:
    return [_read_channel(channel) for channel in list_channels()]


def _read_channel(channel: Channel) -> dict[str, Any]:
    settings = sender_settings(channel)
    sender(channel.kind, settings, "https://hooks.example/secret")
    quiet, daily = quiet_hours(channel), channel.settings.get("digest")
    digest = decoder_for(DailyAt).convert(daily) if daily is not None else None
    parts = {"quiet": quiet, "digest": digest}
    return {**settings, **{name: part for name, part in parts.items() if part is not None}}


def _read_details(_home: WrittenHome) -> list[Any]:
    return [entry.deed.detail for entry in reversed(newest(most=99))]


def _read_selections(home: WrittenHome) -> list[Any]:
    return [selected_records(home.world.app, "sales", LIST).records]


def _read_scrubs(_home: WrittenHome) -> list[Any]:
    scrubs = noted_scrubs(get_org("sales").oid)
    return [[[key.table, key.record] for key in scrub.records] for scrub in scrubs]


def _read_losses(_home: WrittenHome) -> list[Any]:
    return [
        loss.counts for number in (1, 2) for loss in losses_of_backup(get_org("sales").oid, number)
    ]


def _read_open_counts(_home: WrittenHome) -> list[Any]:
    return [
        loss.open_counts
        for number in (1, 2)
        for loss in losses_of_backup(get_org("sales").oid, number)
    ]


def _read_request(home: WrittenHome) -> list[Any]:
    return [selection_of("sales", home.plan)]


def _archive_policy(app: Any) -> None:
    """An archive policy with all of its parts."""
    none = Condition("Name", Comparison.IS, ("Nobody",))
    old = Condition("Created", Comparison.OLDER, days=730)
    policy = ArchivePolicy(
        "mine", "Account", (none,), (), unchanged_days=7, label="Mine", ids=(CUSTOMER,)
    )
    save_policy(app, "sales", PolicyRequest(policy))
    # The org of these tests has no column of times.
    branch = ArchiveBranch("Account", "Parent", BranchRule.STOP, (old,))
    (saved,) = saved_policies("sales")
    store_policy(replace(saved, policy=replace(policy, branches=(branch,))), most=9)
    candidates = (SpaceCandidate("mine", "Account", 3, {"Data storage": 6_144}),)
    store_estimate("sales", SpaceEstimate(SpaceKind.POLICY, "mine", 2, START, candidates, policy))


def _read_estimate() -> SpaceEstimate:
    (estimate,) = space_estimates("sales", whole=True)
    return estimate


def _watch(app: Any) -> None:
    """A watched set about which a backup noticed something."""
    request = WatchRequest("Mine", (f"Account/{CUSTOMER}",), None, True, ("Account.Phone",))
    add_watch(app, "sales", request)
    hit = WatchHit(2, START, 1, {"Account.Phone": 2})
    store_hits(_read_watch(), [hit], evaluated=2)


def _read_watch() -> StoredWatch:
    (watch,) = stored_watches(["sales"])
    return watch


def _read_searches(home: WrittenHome) -> list[Any]:
    return [search.query for search in searches(home.world.app).searches]


def _read_columns(home: WrittenHome) -> list[Any]:
    by = home.world.app.actor.name
    return [list_columns("sales", by=by, table="Account")]


def _read_summary(home: WrittenHome) -> list[Any]:
    return [show_stored_plan(home.world.app, "sales", home.plan).summary]


def _read_providers(_home: WrittenHome) -> list[Any]:
    """Read what the catalogue reads. The rest is read by the SAML library, and tested with it."""
    listed = {provider.name: provider for provider in list_providers()}
    rows = SocialApp.objects.order_by("pk")
    return [
        {
            **row.settings,
            "server_url": listed[row.provider_id].issuer,
            "origin": listed[row.provider_id].origin,
            "verified_email": listed[row.provider_id].vouches,
            **({} if row.provider == "saml" else {"sealed": sealed_secret(row.provider_id)}),
        }
        for row in rows
    ]


def _read_mass_changes(_home: WrittenHome) -> list[Any]:
    return [backup.changes for backup in backup_changes(get_org("sales").oid)]


def _read_limits(_home: WrittenHome) -> list[Any]:
    return list(limits_of(get_org("sales").oid).values())


COLUMNS: dict[str, Column] = {
    "settings of an org": Column(Org, "config", _read_org),
    "settings of a writer": Column(WriterRow, "config", _read_writer),
    "schedule": Column(ScheduleRow, "values", _read_schedule),
    "missed nights": Column(Night, "missed", _read_missed),
    "damages of the vault": Column(VaultCheck, "damages", lambda _: [_check().damages]),
    "repairs of the vault": Column(VaultCheck, "repaired", lambda _: [_check().repaired]),
    "settings of a channel": Column(ChannelRow, "settings", _read_channels),
    "details in the audit": Column(AuditRow, "detail", _read_details, Q(outcome=BEGUN)),
    "request of a plan": Column(PlanRow, "request", _read_request),
    "records of a loss": Column(LossRow, "counts", _read_losses),
    "open records of a loss": Column(LossRow, "open_counts", _read_open_counts),
    "summary of a plan": Column(PlanRow, "summary", _read_summary),
    "selected records": Column(SelectionRow, "records", _read_selections),
    "records of a watched set": Column(WatchRow, "records", lambda _: [_read_watch().records]),
    "columns of a watched set": Column(WatchRow, "columns", lambda _: [_read_watch().columns]),
    "saved archive policy": Column(
        ArchivePolicyRow, "policy", lambda _: [saved.policy for saved in saved_policies("sales")]
    ),
    "lines of an estimate": Column(
        SpaceEstimateRow, "lines", lambda _: [_read_estimate().candidates]
    ),
    "policy of an estimate": Column(
        SpaceEstimateRow, "policy", lambda _: [_read_estimate().policy]
    ),
    "hits of a watched set": Column(WatchRow, "hits", lambda _: [_read_watch().hits]),
    "saved search": Column(SavedSearchRow, "query", _read_searches),
    "columns of lists": Column(ListColumnsRow, "columns", _read_columns),
    "records to erase": Column(ScrubRow, "records", _read_scrubs),
    "damaged objects of the mirror": Column(MirrorRow, "damaged", lambda _: [_mirror().damaged]),
    "unknown objects of the mirror": Column(MirrorRow, "strange", lambda _: [_mirror().strange]),
    "problems of the mirror": Column(MirrorRow, "broken", lambda _: [_mirror().broken]),
    "mass changes": Column(MassBackupRow, "changes", _read_mass_changes),
    "limits of mass changes": Column(MassLimitsRow, "values", _read_limits),
    "settings of a provider": Column(SocialApp, "settings", _read_providers),
}


def plain(value: object) -> Any:
    """Convert a value to plain JSON."""
    return msgspec.json.decode(msgspec.json.encode(value))


def drafts(home: WrittenHome) -> Mapping[str, Any]:
    """Open the sealed request and answer of the look."""
    app, row = home.world.app, PreviewRow.objects.get(id=home.preview_id)
    place = place_of_preview(app, home.preview_id)
    return {
        "asked": open_draft(app, row.asked, place=place),
        "answer": open_draft(app, row.answer, place=place),
    }


def put_drafts(home: WrittenHome, values: Mapping[str, Any]) -> None:
    """Replace the request and the answer of the look."""
    app, place = home.world.app, place_of_preview(home.world.app, home.preview_id)
    sealed = {name: seal_draft(app, value, place=place) for name, value in values.items()}
    PreviewRow.objects.filter(id=home.preview_id).update(**sealed)


def read_look(home: WrittenHome) -> Any:
    """Read the answer of the look through the product."""
    return plain(preview_state(home.world.app, home.preview_id).result)
