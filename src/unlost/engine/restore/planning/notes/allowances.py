"""Notes about the org's allowances: storage that a plan fills, and calls that it makes. Pure."""

from collections.abc import Iterator, Sequence

from unlost.model.plan import Estimate, NoteWeight, PlanNote
from unlost.model.source.quota import Quota

CALLS_SHORT, SHORT, FITS = "calls-short", "quota-short", "quota-fits"
KIB, MIB = 1 << 10, 1 << 20
TELLING_BYTES = 100 * KIB
"""Less than this is not worth a note, unless the storage is nearly full."""
NEARLY_FULL = 0.8


def allowance_notes(quotas: Sequence[Quota], cost: Estimate) -> Iterator[PlanNote]:
    """The room that a run needs and finds. A source lists the most important quotas first."""
    seen = set()
    for quota in quotas:
        if (quota.unit, quota.is_of_files) in seen or not (
            quota.is_storage or quota.unit == "calls"
        ):
            continue
        seen.add((quota.unit, quota.is_of_files))
        if quota.unit == "calls":
            yield from _calls(quota, cost.calls)
        else:
            yield from _storage(quota, cost.file_bytes if quota.is_of_files else cost.data_bytes)


def _calls(quota: Quota, needed: int) -> Iterator[PlanNote]:
    remaining = max(0.0, quota.limit - quota.used)
    if needed > remaining:
        yield PlanNote.of(
            CALLS_SHORT,
            NoteWeight.WARNING,
            "This run needs about {needed} of “{quota}”, and {remaining} are left.",
            "If they run out, the run waits and can be resumed.",
            needed=f"{needed:,}",
            quota=quota.name,
            remaining=f"{remaining:,.0f}",
        )


def _storage(quota: Quota, needed: int) -> Iterator[PlanNote]:
    """A missing amount counts up to the limit, though an org may accept some records above it."""
    free = quota.limit - quota.used
    if needed > max(free, 0):
        yield PlanNote.of(
            SHORT,
            NoteWeight.WARNING,
            "This run needs about {needed} of “{quota}”, and {remaining} are left.",
            "Free about {missing} first. Otherwise the run waits, and you can resume it.",
            needed=_amount(needed),
            quota=quota.name,
            remaining=_amount(max(free, 0)),
            missing=_amount(needed - free),
        )
    elif needed >= TELLING_BYTES or (needed and quota.used >= NEARLY_FULL * quota.limit):
        yield PlanNote.of(
            FITS,
            NoteWeight.NOTE,
            "The org has room for this now: about {needed} of “{quota}” are needed, and {remaining} "
            "are left.",
            needed=_amount(needed),
            quota=quota.name,
            remaining=_amount(free),
        )


def _amount(size: float) -> str:
    return f"{size / MIB:,.1f} MB" if size >= MIB else f"{size / KIB:,.0f} kB"
