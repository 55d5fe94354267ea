"""The reasons why archived records whose retention ended are not erased."""

from unlost.model.approval import APPROVAL_LASTS
from unlost.model.errors import Conflict, NotAllowed

FRESH_DAYS = 7  # the age of a backup that still shows which records came back


def nothing_due(org: str) -> Conflict:
    """Return the error for an org without due records."""
    return Conflict(
        "retention-nothing",
        "No archived record of {org} has reached the end of its retention.",
        next_step="See the periods of its archives with `unlost archive list {org}`.",
        org=org,
    )


def not_requested(org: str) -> Conflict:
    """Return the error for a step without a request."""
    return Conflict(
        "retention-not-requested",
        "No erasure of archived records of {org} is requested.",
        next_step="Review what is due with `unlost archive expired list {org}`, then request it with "
        "`unlost archive expired request {org}`.",
        org=org,
    )


def removal_changed(org: str) -> Conflict:
    """Return the error for a request whose effect has changed."""
    return Conflict(
        "erase-changed",
        "The due records have changed: other data would be erased than you saw. Nothing was changed.",
        next_step="If there is a request, withdraw it with `unlost archive expired withdraw {org}`. "
        "Then review `unlost archive expired list {org}` and request again.",
        org=org,
    )


def same_person(org: str, by: str) -> NotAllowed:
    """Return the error for an approval by the requester."""
    return NotAllowed(
        "retention-by-requester",
        "{maker} requested this erasure, so another person must approve it.",
        next_step="Ask another admin of {org}. All users of the home's machine count as one person, "
        "and a token counts as its owner.",
        maker=by,
        org=org,
    )


def needs_approval(org: str) -> NotAllowed:
    """Return the error for an erasure without a valid approval."""
    return NotAllowed(
        "retention-needs-approval",
        "A second person must approve the erasure of archived records of {org}. Nothing was erased.",
        next_step="Ask another admin of {org} to approve it, in the console or with `unlost archive "
        "expired approve {org}`. An approval is valid for {days} days, while the "
        "approver is an admin.",
        org=org,
        days=APPROVAL_LASTS.days,
    )


def own_approval() -> NotAllowed:
    """Return the error for an approver who starts the erasure."""
    return NotAllowed(
        "retention-own-approval",
        "You approved this erasure, so another person must start it. Nothing was erased.",
        next_step="Ask the person who requested it to start it.",
    )


def already_approved(by: str) -> Conflict:
    """Return the error for a second approval."""
    return Conflict(
        "retention-approved",
        "{by} already approved this erasure.",
        next_step="Ask the person who requested it to start it, or withdraw the request.",
        by=by,
    )


def backup_needed(org: str) -> Conflict:
    """Return the error for a vault that does not know which records are live now."""
    return Conflict(
        "retention-needs-backup",
        "No recent backup of {org} shows which archived records came back. A backup of all tables must "
        "be at most {days} days old, and newer than the last restore.",
        next_step="Run `unlost backup {org}`, then try again.",
        org=org,
        days=FRESH_DAYS,
    )
