"""Open gaps on a page, grouped by their kind, so that those of one kind can be accepted together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from unlost.model.finding import Finding, FindingKind
from unlost.model.gaps import PASSING, gap_id

TITLES: Mapping[FindingKind, str] = {
    FindingKind.TABLE_REFUSED: gettext_noop("Tables that the org does not deliver"),
    FindingKind.TABLE_NOT_DATA: gettext_noop("Tables without data"),
    FindingKind.TABLE_EXCLUDED: gettext_noop("Tables left out by choice"),
    FindingKind.TABLE_GONE: gettext_noop("Tables that no longer exist in the org"),
    FindingKind.TABLE_UNREADABLE: gettext_noop("Tables that could not be read"),
    FindingKind.COLUMN_HIDDEN: gettext_noop("Columns that the backup user may not see"),
    FindingKind.COLUMN_UNREADABLE: gettext_noop("Columns that the org does not deliver"),
    FindingKind.ROWS_HIDDEN: gettext_noop("Records that the backup user no longer sees"),
    FindingKind.FILES_HIDDEN: gettext_noop("Files that the backup user may not see"),
    FindingKind.FILE_UNREADABLE: gettext_noop("Files that could not be read"),
    FindingKind.PERMISSION_MISSING: gettext_noop("Missing permissions"),
    FindingKind.DELETES_UNPROVED: gettext_noop("Deletions that are not certain"),
    FindingKind.UNUSUAL_LOSS: gettext_noop("Unusual losses"),
    FindingKind.ROWS_DIFFER: gettext_noop("Records that differ"),
    FindingKind.ROWS_MISSING: gettext_noop("Records that the org does not deliver"),
    FindingKind.NOT_COMPARED: gettext_noop("Tables whose records the org does not count"),
    FindingKind.RIGHTS_CHANGED: gettext_noop("Permissions that changed"),
    FindingKind.SALVAGED: gettext_noop("Versions lost with damaged objects"),
}
OTHER = gettext_noop("Other gaps")


@dataclass(frozen=True, slots=True)
class GapView:
    """An open gap on the page."""

    id: str
    gap: Finding

    @property
    def lasts(self) -> bool:
        """True if it can be accepted: it is not about one backup alone."""
        return self.gap.kind not in PASSING


@dataclass(frozen=True, slots=True)
class GapKindView:
    """The open gaps of one kind."""

    kind: FindingKind
    gaps: tuple[GapView, ...]

    @property
    def title(self) -> str:
        """The title of the kind, not translated."""
        return TITLES.get(self.kind, OTHER)

    @property
    def ids(self) -> str:
        """The ids of those that can be accepted, separated by spaces."""
        return " ".join(view.id for view in self.gaps if view.lasts)

    @property
    def together(self) -> bool:
        """True if several can be accepted together."""
        return " " in self.ids


def gaps_by_kind(gaps: Iterable[Finding]) -> tuple[GapKindView, ...]:
    """Group open gaps by their kind, in the order of the first of each."""
    kinds: dict[FindingKind, list[GapView]] = {}
    for gap in gaps:
        kinds.setdefault(gap.kind, []).append(GapView(gap_id(gap), gap))
    return tuple(GapKindView(kind, tuple(views)) for kind, views in kinds.items())
