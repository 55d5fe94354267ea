"""Saving the settings of an org: what changed, the messages afterwards, and a restore that waits."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from unlost.app.access import may
from unlost.app.actions.orgs.write_access import WriterResult, WriterSettings
from unlost.app.actions.restores.kept_plan import choose_again
from unlost.model.access import Right
from unlost.model.errors import NotFound
from unlost.web.pages.restores.restore import planning
from unlost.web.requests import UserRequest


def differing(config: Mapping[str, Any], known: WriterSettings) -> Mapping[str, Any]:
    """Return those settings of a write user that differ from its present ones."""
    return {name: value for name, value in config.items() if known.config.get(name) != value}


def show_gaps(request: UserRequest, gaps: int) -> None:
    """Say how many gaps the next certificate lists."""
    if gaps:
        message = ngettext(
            "%(count)s gap: the next certificate lists it.",
            "%(count)s gaps: the next certificate lists them.",
            gaps,
        )
        messages.warning(request, message % {"count": gaps})


def show_continued(request: UserRequest, runs: Sequence[str]) -> None:
    """Say that runs which waited for the sign-in continue."""
    if runs:
        message = ngettext(
            "%(count)s run waited for the sign-in. It continues within a minute.",
            "%(count)s runs waited for the sign-in. They continue within a minute.",
            len(runs),
        )
        messages.success(request, message % {"count": len(runs)})


def show_same_user(request: UserRequest, result: WriterResult) -> None:
    """Warn that restores would write as the backup user."""
    if result.is_backup_user:
        message = _(
            "The write user of %(org)s is its backup user, which can now write too. Create a "
            "separate user for restores."
        )
        messages.warning(request, message % {"org": result.org})


def waiting_plan(request: UserRequest) -> str:
    """Return the plan that waits for the write user, from the page's address; empty for none."""
    plan = request.GET.get("plan", "")
    return plan if plan.replace("-", "").isalnum() else ""


def planned_again(request: UserRequest, org: str, plan: str) -> HttpResponse | None:
    """Plan the restore again that waited for the write user; None if there is none."""
    if not plan or not may(request.unlost, Right.RESTORE, org):
        return None
    try:
        view = choose_again(request.unlost, org, plan)
    except NotFound:  # it was discarded, or is too old
        return None
    return planning(request, view)
