"""Saving the settings of an org: what changed, and the messages afterwards."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.utils.translation import ngettext

from unlost.app.actions.orgs.write_access import WriterSettings
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
