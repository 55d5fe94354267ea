"""The remembered estimates of the storage that can be freed in orgs."""

from collections.abc import Sequence

import msgspec

from unlost.catalog.archive_models import SpaceEstimateRow
from unlost.catalog.connection import one_transaction, returned_connection
from unlost.catalog.models import Org
from unlost.catalog.orgs.hidden_columns import hidden_in
from unlost.model.archive import ArchivePolicy
from unlost.model.decoders import decoder_for
from unlost.model.source.hidden_columns import HiddenColumns
from unlost.model.space import SpaceCandidate, SpaceEstimate, SpaceKind


def space_estimates(org: str, *, whole: bool) -> Sequence[SpaceEstimate]:
    """The newest estimates of an org; ``whole``: those for people who see every column."""
    with returned_connection():
        rows = list(SpaceEstimateRow.objects.filter(org__name=org, whole=whole))
    return [_value(row) for row in rows]


def store_estimate(
    org: str, estimate: SpaceEstimate, *, hidden: HiddenColumns | None = None
) -> None:
    """Store an estimate; it replaces an earlier one of the same policy, or of loops.

    ``hidden``: the columns without which it was made. If other columns are hidden by now, it is not
    stored: it would show counts by a hidden column.
    """
    policy = estimate.policy
    with one_transaction():
        known = Org.objects.select_for_update().get(name=org)  # no column is hidden meanwhile
        if not estimate.whole and hidden != hidden_in(known.oid):
            return
        SpaceEstimateRow.objects.update_or_create(
            org=known,
            kind=str(estimate.kind),
            name=estimate.name,
            whole=estimate.whole,
            defaults={
                "backup": estimate.backup,
                "at": estimate.at,
                "policy": msgspec.to_builtins(policy) if policy is not None else None,
                "lines": msgspec.to_builtins(estimate.candidates),
                "error": estimate.error,
            },
        )


def _value(row: SpaceEstimateRow) -> SpaceEstimate:
    policy = decoder_for(ArchivePolicy).convert(row.policy) if row.policy is not None else None
    candidates = decoder_for(tuple[SpaceCandidate, ...]).convert(row.lines)
    kind = SpaceKind(row.kind)
    return SpaceEstimate(
        kind, row.name, row.backup, row.at, candidates, policy, row.whole, row.error
    )
