"""Renewal of the search index: words of earlier rules are replaced by those of the present ones.

A tier that lacks words of a column, since the column is searched only now, is renewed in the same
way.

The index has tiers like the source tables. Each commit replaces one old tier by the words of the
same commits, computed from the rows. The newest tier comes first: people look for recent records.
Between the commits, and between maintenance runs, both kinds of words are searched.

    before   [1 ...... 64] rules 2   [65 .. 80] rules 2   [81] rules 3
    first    [1 ...... 64] rules 2   [65 .. 80] rules 3   [81] rules 3
    then     [1 ...... 64] rules 3   [65 .. 80] rules 3   [81] rules 3

No snapshot changes. See docs/adr/0040.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from unlost.model.vault.maintenance_results import Compaction, Merged
from unlost.model.vault.snapshot import CommitKind, SegmentEntry
from unlost.vault.commits.state import REMOVING, LiveState, unneeded_objects
from unlost.vault.format.physical import BARE_FIELDS, SEARCH
from unlost.vault.format.words.token_rules import VERSION
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.maintenance.garbage import collected_up_to
from unlost.vault.maintenance.maintenance_run import (
    MaintenanceRun,
    MaintenanceWork,
    close_cut_off,
)
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.maintenance.rewrite.bare import sorted_parts
from unlost.vault.maintenance.rewrite.row_words import RowWords
from unlost.vault.maintenance.rewrite.tiers import Tier, tiers_of
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.table_writer import TOKEN_GROUP_ROWS

MOST_WORDS = 20_000_000  # rows of the index that one maintenance replaces, and one tier at least
# Words of rows that such a commit removed must not come back.
_OUTRUN_BY = REMOVING | {CommitKind.FORGET, CommitKind.SALVAGE}


@dataclass(frozen=True, slots=True)
class OldTier:
    """A tier of the index with words of earlier rules.

    ``reach``: the commits whose rows give the new words. Commits beside it without any words of
    their own belong to it: by the present rules they may have some.
    """

    tier: Tier
    reach: CommitRange


def reindex(org_vault: OrgVault, *, run: str, pause: Pause, most: int = MOST_WORDS) -> Compaction:
    """Replace words of earlier rules, about ``most`` of them, the newest first.

    Raises Conflict (``maintenance-outrun``), IntegrityError, StoreError, and any error of
    ``pause``. In that case earlier commits stay, and the objects of the unfinished commit are
    removed.
    """
    close_cut_off(org_vault, CommitKind.REINDEX)
    done, words, number = Compaction(), 0, 0
    while words < most:
        old = old_tiers(org_vault, org_vault.chain.proved())
        if not old:
            break
        number += 1
        done = done.then(_replace(org_vault, old[-1], run=f"{run}-words-{number}", pause=pause))
        words += old[-1].tier.rows
    return done


def old_tiers(org_vault: OrgVault, state: LiveState) -> list[OldTier]:
    """The tiers with words of earlier rules, oldest first."""
    if not state.seq:
        return []
    tiers = tiers_of(state.of(SEARCH, until=state.seq))
    newest = org_vault.chain.manifest(state.seq)[0].schema
    waiting_tiers = []
    for at, tier in enumerate(tiers):
        if _is_old(org_vault, tier, newest):
            first = tiers[at - 1].last + 1 if at else 1
            last = tiers[at + 1].first - 1 if at + 1 < len(tiers) else tier.last
            waiting_tiers.append(
                OldTier(tier, CommitRange(min(first, tier.first), max(last, tier.last)))
            )
    return waiting_tiers


def _is_old(org_vault: OrgVault, tier: Tier, newest: str) -> bool:
    """True if a tier has words of earlier rules, or lacks words of a column."""
    labels = [org_vault.reader.facts(live.entry)[0] for live in tier.segments]
    return any(label.tokenizer < VERSION for label in labels) or not all(
        org_vault.schemas.has_words_for(newest, indexed=ident)
        for ident in {label.schema for label in labels}
    )


def _replace(org_vault: OrgVault, old: OldTier, *, run: str, pause: Pause) -> Compaction:
    maintenance = MaintenanceRun(org_vault, run=run, kind=CommitKind.REINDEX)
    maintenance.open()
    try:
        return _write(org_vault, old, maintenance, pause)
    except Exception:
        maintenance.give_up()
        raise


def _write(
    org_vault: OrgVault, old: OldTier, maintenance: MaintenanceRun, pause: Pause
) -> Compaction:
    state = maintenance.base
    replaced = ReplacedSegments(
        tuple(live.entry for live in old.tier.segments),
        tuple(_new_words(org_vault, old.reach, maintenance, pause)),
    )
    objects = list(unneeded_objects(state, replaced.old, org=org_vault.org))
    work = MaintenanceWork(
        parts=(replaced.part,),
        condemned=tuple(sorted(each.name for each in objects)),
        collected=collected_up_to(org_vault, org_vault.chain.live()),
    )
    info = maintenance.commit(work, outrun_by=_OUTRUN_BY)
    return Compaction(
        merged=(_result(replaced),),
        snapshot=info.number,
        replaced=len(objects),
        replaced_bytes=sum(each.bytes for each in objects),
    )


def _new_words(
    org_vault: OrgVault, reach: CommitRange, maintenance: MaintenanceRun, pause: Pause
) -> list[SegmentEntry]:
    state = maintenance.base
    newest = org_vault.chain.manifest(state.seq)[0].schema
    words = RowWords(
        org_vault, org_vault.load_blob(until=state.seq, state=state), newest=newest, pause=pause
    )
    out = SegmentWriter(org_vault.org, sealed=org_vault.sealed, prefix=maintenance.prefix)
    label = SegmentLabel(SEARCH, newest, state.seq, tokenizer=VERSION)
    parts = sorted_parts(words.of_tables(state, within=reach), BARE_FIELDS[SEARCH])
    return [_written(out, label, reach, rows) for rows in parts]


def _written(
    out: SegmentWriter, label: SegmentLabel, reach: CommitRange, rows: pa.Table
) -> SegmentEntry:
    stream = out.stream(label, group_rows=TOKEN_GROUP_ROWS, reach=reach)
    stream.append(rows)
    return stream.close()


def _result(done: ReplacedSegments) -> Merged:
    def size(entries: Sequence[SegmentEntry]) -> int:
        return sum(entry.own_bytes + entry.sidecar_bytes for entry in entries)

    return Merged(
        table=SEARCH,
        segments_before=len(done.old),
        segments_after=len(done.new),
        bytes_before=size(done.old),
        bytes_after=size(done.new),
        rows=sum(entry.rows for entry in done.new),
    )
