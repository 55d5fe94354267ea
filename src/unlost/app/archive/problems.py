"""The reasons why an archive schedule is refused, does not run, or is switched off."""

from unlost.engine.archive.selected import SelectedShare
from unlost.model.archive import ArchivePolicy
from unlost.model.errors import Conflict, NotAllowed, UsageError
from unlost.model.message import Noun, counted
from unlost.model.saved_policy import PREVIEW_LASTS, SavedPolicy

NO_RIGHT = "restore-no-longer-allowed"
PLANNERS_BUSY = "planners-busy"


def owner_without_right(saved: SavedPolicy) -> NotAllowed:
    """Return the error for an owner who may no longer restore."""
    return NotAllowed(
        "archive-owner",
        "{owner}, who saved the policy {policy} last, may no longer restore in {org}. Nothing was "
        "archived.",
        next_step="A person who may restore here can switch the schedule on again: `unlost archive "
        "policy save {org} {policy} --nightly`, or --days for some days.",
        owner=saved.owner,
        policy=saved.name,
        org=saved.org,
    )


def owner_lost_right(saved: SavedPolicy, *, run: str) -> NotAllowed:
    """Return the error for an owner who lost the right after an archive began to delete."""
    return NotAllowed(
        "archive-owner-half",
        "{owner}, who saved the policy {policy} last, may no longer restore in {org}. The archive {run} "
        "stopped; some of its records may have left the org. The schedule was switched off.",
        next_step="Ask a person who may restore here to finish the archive with `unlost restore resume "
        "{run}`. Then switch the schedule on again: `unlost archive policy save {org} {policy} "
        "--nightly`, or --days for some days.",
        owner=saved.owner,
        policy=saved.name,
        org=saved.org,
        run=run,
    )


def broken_off(saved: SavedPolicy, *, run: str) -> Conflict:
    """Return the error for an archive that was given up after it began to delete."""
    return Conflict(
        "archive-broken-off",
        "The archive {run} by {policy} was given up before its end; some of its records may have left "
        "the org. The schedule was switched off.",
        next_step="Finish the archive with `unlost restore resume {run}`. Then switch the schedule on "
        "again: `unlost archive policy save {org} {policy} --nightly`, or --days for some days.",
        run=run,
        policy=saved.name,
        org=saved.org,
    )


def too_many(org: str, policy: ArchivePolicy, share: SelectedShare) -> UsageError:
    """Return the error for a policy that archives more than half of a table."""
    return UsageError(
        "archive-large",
        "The policy {policy} takes {selected:,} of {records:,} records of {table}, more than half.",
        next_step="See its preview. If this is right, save it again with --confirm-large: `unlost "
        "archive policy save {org} {policy} --nightly --confirm-large`.",
        policy=policy.name,
        selected=share.selected,
        records=share.records,
        table=share.table,
        org=org,
    )


def not_previewed(org: str, policy: ArchivePolicy) -> UsageError:
    """Return the error for a policy whose effect the person has not seen."""
    return UsageError(
        "archive-not-previewed",
        "You have not previewed the current version of the policy {policy} in the last {days} days, so "
        "its schedule cannot be switched on.",
        next_step="Save the policy without a schedule, then run `unlost archive preview {org} "
        "{policy}`, and switch the schedule on. A preview by a token, or by another person, does not "
        "count.",
        policy=policy.name,
        days=PREVIEW_LASTS.days,
        org=org,
    )


def changed_meanwhile(org: str, policy: str) -> Conflict:
    """Return the error for a policy that is not as the person who saves it saw it."""
    return Conflict(
        "archive-policy-changed",
        "The policy {policy} was saved, switched off or removed meanwhile. Nothing was saved now.",
        next_step="See it as it is now with `unlost archive policy show {org} {policy}`, then save it "
        "again.",
        policy=policy,
        org=org,
    )


def surplus(saved: SavedPolicy, *, run: str, vanished: int) -> Conflict:
    """Return the error for an archive that stopped because other records vanished."""
    return Conflict(
        "archive-surplus",
        "The archive {run} by {policy} stopped: {records} vanished from the org that were not planned, "
        "or not yet due. The schedule was switched off.",
        next_step="See which ones with `unlost runs {run}`, find the trigger or user that deleted "
        "them, and restore them. Then switch the schedule on again: `unlost archive policy save {org} "
        "{policy} --nightly`, or --days for some days.",
        run=run,
        policy=saved.name,
        records=counted(vanished, Noun.RECORD),
        org=saved.org,
    )


def not_ended(saved: SavedPolicy, *, run: str) -> Conflict:
    """Return the error for a night whose predecessor still runs."""
    return Conflict(
        "archive-not-ended",
        "The earlier archive {run} by {policy} has not ended, so that no other one was planned.",
        next_step="See its state with `unlost runs {run}`. Resume or cancel it.",
        run=run,
        policy=saved.name,
    )


def day_is_full(saved: SavedPolicy) -> UsageError:
    """Return the error for a policy that archived as many records today as it may."""
    return UsageError(
        "archive-day-full",
        "The policy {policy} has reached its daily limit of {limit:,} records.",
        next_step="Wait for the next day, or raise the limit.",
        policy=saved.name,
        limit=saved.daily_limit,
    )


def bin_is_full(saved: SavedPolicy) -> UsageError:
    """Return the error for a schedule that would push records of other people out of the bin."""
    return UsageError(
        "archive-bin-full",
        "The recycle bin has no room for records of {policy}: the org would purge records that people "
        "deleted. Nothing was archived.",
        next_step="Wait until records leave the recycle bin. To archive anyway, plan by hand: `unlost "
        "archive plan {org} {policy} --out FILE`. The plan says how many records it pushes out.",
        policy=saved.name,
        org=saved.org,
    )


def not_fresh() -> Conflict:
    """Return the error for an archive that could not be planned soon after its backup."""
    return Conflict(
        "archive-late",
        "The archive could not be planned soon enough after its backup.",
        next_step="The next scheduled backup is followed by an archive again.",
    )
