"""Runs whose bypass may be on. The journal in the vault knows it for certain; this finds the runs.

A run is noted before it begins, and its note ends when the journal says that the bypass is off. So
after a crash the note stays, and the service or the next backup of the org finds it. A journal that
is gone says nothing, so the note stays then too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Run
from unlost.model.message import Message


@dataclass(frozen=True, slots=True)
class OpenBypass:
    """A run whose bypass may be on. ``error``: why it could not be switched off, if that was tried."""

    run: str
    bypass: str
    error: Message | None


def note_bypass(run: str, bypass: str) -> bool:
    """Note that a run is about to switch a bypass on; false if it was noted before."""
    rows = Run.objects.filter(id=run)
    with returned_connection():
        new = rows.filter(bypass="").exists()
        rows.update(bypass=bypass, bypass_error=None)
        return new


def bypass_ended(run: str) -> None:
    """Remove the note of a run: its bypass is as it was."""
    with returned_connection():
        Run.objects.filter(id=run).update(bypass="", bypass_error=None)


def bypass_failed(run: str, error: Message | None) -> None:
    """Note why the bypass of a run could not be switched off; None if nothing is wrong (yet)."""
    with returned_connection():
        Run.objects.filter(id=run).exclude(bypass="").update(bypass_error=error)


def open_bypasses(oid: str) -> Sequence[OpenBypass]:
    """Runs of an org whose bypass may be on, the oldest first; some of them may be running."""
    with returned_connection():
        rows = Run.objects.filter(org__oid=oid).exclude(bypass="").order_by("started_at", "id")
        return [OpenBypass(row.id, row.bypass, row.bypass_error) for row in rows]
