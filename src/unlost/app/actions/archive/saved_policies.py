"""Archive policies that orgs save under a name, and the schedules by which the service runs them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from unlost.app.access import action
from unlost.app.archive.open_nights import drop_nights
from unlost.app.archive.problems import changed_meanwhile, not_previewed, too_many
from unlost.app.archive.shares import large_share_of
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.restores.approvals import is_same_person
from unlost.app.vault.home_copy import after_change
from unlost.catalog.connection import one_transaction
from unlost.catalog.orgs.archive_policies import (
    PolicyStored,
    drop_policy,
    find_saved_policy,
    saved_policies,
    store_policy,
)
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.runs.archive_nights import archive_nights_of
from unlost.engine.archive.conditions import check_policy
from unlost.engine.archive.versions import freed_kind
from unlost.model.access import Right, Trace
from unlost.model.archive import LONGEST_NAME, ArchivePolicy, wrong_name
from unlost.model.errors import Conflict, NotFound, UsageError
from unlost.model.message import Message
from unlost.model.purge import check_not_reserved
from unlost.model.saved_policy import (
    LARGEST_DAY,
    NOT_SAVED,
    PREVIEW_LASTS,
    USUAL_DAY,
    ArchiveNightState,
    SavedPolicy,
    Weekday,
)
from unlost.model.source.reading import Json

MOST = 50  # saved policies of an org
NIGHTS = 7


@dataclass(frozen=True, slots=True)
class PolicyRequest:
    """A policy to save under its name. None leaves a value of the schedule as it is.

    ``days``: the scheduled backups after which the service archives, none for no schedule.
    ``daily_limit``: records of a day. ``confirm_large``: the policy may archive more than half of a
    table. ``seen``: the version that the person saw, ``new`` for one that was not saved; None for
    any.
    """

    policy: ArchivePolicy
    days: tuple[Weekday, ...] | None = None
    on: bool | None = None
    daily_limit: int | None = None
    confirm_large: bool = False
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyNight:
    """A night of a policy: the backup ``night``, the plan made after it, and its run.

    ``plan``: the stored plan, which waits for a second person in the state ``waiting``. ``run``: the
    archive, empty if there is none.
    """

    night: str
    state: ArchiveNightState
    begun: datetime
    plan: str
    run: str
    error: Message | None


@dataclass(frozen=True, slots=True)
class SavedPolicyView:
    """A saved policy and its schedule. ``owner`` saved it last: the service archives for them.

    ``previewed``: when a person (``previewed_by``) last saw its effect as it is; None before.
    ``problem``: why nothing was archived last time, or why Unlost switched the schedule off.
    ``nights``: the newest first. ``version``: changes with each save, switch-off and problem.
    """

    org: str
    zone: str
    policy: ArchivePolicy
    owner: str
    at: datetime
    days: tuple[Weekday, ...]
    on: bool
    daily_limit: int
    previewed: datetime | None
    may_be_large: bool
    problem: Message | None
    nights: tuple[PolicyNight, ...] = ()
    previewed_by: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class SavedPolicyList:
    """The saved policies of an org, by name."""

    org: str
    zone: str
    policies: tuple[SavedPolicyView, ...]


def _audited(view: SavedPolicyView) -> Mapping[str, Json]:
    days = ",".join(view.days)
    return {"name": view.policy.name, "on": view.on, "days": days, "limit": view.daily_limit}


@action("archive.saved", Right.READ, trace=Trace.READ)
def list_saved(app: Application, org: str) -> SavedPolicyList:  # noqa: ARG001
    """List the saved policies of an org; raises NotFound (``org-unknown``)."""
    known = get_org(org)
    views = tuple(_view(known, saved) for saved in saved_policies(known.name))
    return SavedPolicyList(known.name, known.identity.zone, views)


@action("archive.show-saved", Right.READ, trace=Trace.READ, subject=("name",))
def show_saved(app: Application, org: str, name: str) -> SavedPolicyView:  # noqa: ARG001
    """Show a saved policy; raises NotFound (``archive-policy-unknown``)."""
    return _view(get_org(org), _stored(org, name))


@action("archive.save", Right.RESTORE, trace=Trace.WRITE, detail=_audited)
def save_policy(app: Application, org: str, policy_request: PolicyRequest) -> SavedPolicyView:
    """Save a policy under its name, and set its schedule; the actor becomes the owner of both.

    A saved policy is used in place of a ready-made one of the same name. Raises UsageError
    (``archive-policy-unnamed``, ``archive-policy-reserved``, ``archive-limit``, ``archive-no-days``,
    ``archive-not-previewed``, ``archive-large``, and those of a policy that cannot be used), NotFound (``no-backup-yet``),
    Conflict (``archive-policies-too-many``, ``archive-policy-changed``: nothing was saved).
    """
    known, policy = get_org(org), policy_request.policy
    _check_name(policy.name)
    schema = newest_backup(app.vault, known).schema()
    check_policy(policy, schema, now=app.clock.now())
    freed_kind(policy, app.connector(known.identity.connector).shared_files(schema))
    before = find_saved_policy(org, policy.name)
    if policy_request.seen not in (None, _version(before)):
        raise changed_meanwhile(known.name, policy.name)
    saved = _changed(app, known, policy_request, before)
    _check_limit(saved.daily_limit)
    if saved.is_on:
        _check_schedule(app, known, saved, before, confirms=policy_request.confirm_large)
    with one_transaction():  # no night may go on by the policy before
        _store(known, saved, seen=_version(before))
        if before is not None and not _goes_on(before, saved):
            drop_nights(app, before)
    after_change(app)
    return _view(known, _stored(org, policy.name))


@action("archive.remove", Right.RESTORE, trace=Trace.WRITE, subject=("name",))
def remove_policy(app: Application, org: str, name: str) -> SavedPolicyView:
    """Remove a saved policy and its schedule; raises NotFound (``archive-policy-unknown``).

    A run that began goes on. A ready-made policy of the same name is usable again.
    """
    saved = _stored(org, name)
    view = _view(get_org(org), saved)
    drop_nights(app, saved)
    drop_policy(saved.id)
    after_change(app)
    return view


# --- inside -------------------------------------------------------------------------------------------


def _version(saved: SavedPolicy | None) -> str:
    return saved.version if saved is not None else NOT_SAVED


def _store(org: ProtectedOrg, saved: SavedPolicy, *, seen: str) -> None:
    """Store a policy; raises Conflict if it changed since it was read."""
    match store_policy(saved, most=MOST, seen=seen):
        case PolicyStored.CHANGED:
            raise changed_meanwhile(org.name, saved.name)
        case PolicyStored.TOO_MANY:
            raise Conflict(
                "archive-policies-too-many",
                "An org can have at most {most} saved policies.",
                next_step="Remove a policy that is no longer needed.",
                most=MOST,
            )
        case PolicyStored.STORED:
            pass


def _has_previewed(app: Application, saved: SavedPolicy) -> bool:
    """Return True if the person who saves has seen the effect of the policy, and not long ago."""
    if not saved.previewed_by:  # of an earlier version, which did not record who saw it
        return False
    if saved.previewed is None or app.clock.now() - saved.previewed > PREVIEW_LASTS:
        return False
    return is_same_person(app.actor, name=saved.previewed_by, person=saved.previewer)


def _changed(
    app: Application,
    org: ProtectedOrg,
    policy_request: PolicyRequest,
    before: SavedPolicy | None,
) -> SavedPolicy:
    """Return the policy with the changes applied. Another policy has to be previewed again."""
    now, policy = app.clock.now(), policy_request.policy
    saved = before or SavedPolicy(0, org.name, org.oid, policy, "", "", now)
    if saved.policy != policy:
        saved = replace(
            saved,
            policy=policy,
            previewed=None,
            previewed_by="",
            previewer="",
            may_be_large=False,
        )
    is_on = saved.is_on if policy_request.on is None else policy_request.on
    limit = policy_request.daily_limit
    return replace(
        saved,
        owner=app.actor.name,
        account=app.actor.person,
        at=now,
        days=saved.days if policy_request.days is None else policy_request.days,
        is_on=is_on,
        on_since=(saved.on_since if saved.is_on else now) if is_on else None,
        daily_limit=saved.daily_limit if limit is None else limit,
        may_be_large=saved.may_be_large
        or (policy_request.confirm_large and _has_previewed(app, saved)),
        problem=None,
    )


def _goes_on(before: SavedPolicy, saved: SavedPolicy) -> bool:
    """Return True if what the service planned by the policy before is still right."""
    same = ("policy", "owner", "daily_limit", "is_on")
    return all(getattr(before, name) == getattr(saved, name) for name in same)


def _is_not_more(before: SavedPolicy, saved: SavedPolicy) -> bool:
    """Return True if a schedule was on, for the same person, and with no lower daily limit."""
    same_owner = (before.owner, before.account) == (saved.owner, saved.account)
    return before.is_on and same_owner and saved.daily_limit <= before.daily_limit


def _check_schedule(
    app: Application,
    org: ProtectedOrg,
    saved: SavedPolicy,
    before: SavedPolicy | None,
    *,
    confirms: bool,
) -> None:
    """Raise UsageError unless the schedule may be on. ``confirms``: the person accepts a large share."""
    if not saved.days:
        raise UsageError(
            "archive-no-days",
            "The schedule of {policy} has no days.",
            next_step="Choose days, such as `--days mon,thu`, or `--nightly`.",
            policy=saved.name,
        )
    goes_on = before is not None and _is_not_more(before, saved)
    if saved.previewed is None or not (goes_on or _has_previewed(app, saved)):
        raise not_previewed(org.name, saved.policy)
    share = large_share_of(app, org, saved.policy) if not saved.may_be_large else None
    if share is not None:
        is_shown = _has_previewed(app, saved) or not confirms
        raise (
            too_many(org.name, saved.policy, share)
            if is_shown
            else not_previewed(org.name, saved.policy)
        )


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LARGEST_DAY:
        raise UsageError(
            "archive-limit",
            "The daily limit must be between 1 and {largest:,} records, not {limit:,}.",
            next_step="Choose another limit. {usual:,} records are usual.",
            largest=LARGEST_DAY,
            limit=limit,
            usual=USUAL_DAY,
        )


def _check_name(name: str) -> None:
    is_name = name.strip() == name and name and name.isprintable()
    if not is_name or len(name) > LONGEST_NAME or "/" in name or name.endswith(".json"):
        raise wrong_name()
    check_not_reserved(name)


def _stored(org: str, name: str) -> SavedPolicy:
    saved = find_saved_policy(org, name)
    if saved is None:
        raise NotFound(
            "archive-policy-unknown",
            "There is no policy {name} for {org}.",
            next_step="`unlost archive policies {org}` lists the names.",
            name=name,
            org=org,
        )
    return saved


def _view(org: ProtectedOrg, saved: SavedPolicy) -> SavedPolicyView:
    nights = archive_nights_of(saved.id, most=NIGHTS)
    return SavedPolicyView(
        org.name,
        org.identity.zone,
        saved.policy,
        saved.owner,
        saved.at,
        saved.days,
        saved.is_on,
        saved.daily_limit,
        saved.previewed,
        saved.may_be_large,
        saved.problem,
        tuple(
            PolicyNight(
                night.night, night.state, night.begun_at, night.plan, night.run, night.error
            )
            for night in nights
        ),
        saved.previewed_by,
        saved.version,
    )
