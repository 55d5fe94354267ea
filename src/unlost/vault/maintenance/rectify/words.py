"""Update of ``$search`` after values were replaced: remove the old words, add the new ones."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import SEARCH, U_ID
from unlost.vault.format.words.token_rules import VERSION
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.maintenance.rectify.versions import Cells, RectifyRow
from unlost.vault.maintenance.rewrite.affected_segments import RowsToRemove
from unlost.vault.maintenance.rewrite.row_words import RowWords
from unlost.vault.maintenance.rewrite.tiers import tiers_of
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.table_writer import TOKEN_GROUP_ROWS


@dataclass(frozen=True, slots=True)
class WordChanges:
    """A row after the correction: the cells of the columns of its table that were read."""

    table: str
    row: RectifyRow
    cells: Cells


def words_to_remove(
    changes: Sequence[WordChanges], columns: Mapping[str, Collection[str]]
) -> RowsToRemove:
    """Select the words of these rows in ``columns`` (by table)."""
    records: dict[str, set[str]] = {}
    for word_changes in changes:
        records.setdefault(word_changes.table, set()).add(word_changes.row.record)

    def to_remove(rows: pa.Table) -> pa.Array:
        goes = pa.array([False] * len(rows), pa.bool_())
        for table, tokens_of_table in records.items():
            mine = pc.and_(
                pc.equal(rows.column("table"), table),
                pc.is_in(
                    rows.column("record"), value_set=pa.array(sorted(tokens_of_table), pa.string())
                ),
            )
            names = pa.array(sorted(columns[table]), pa.string())
            mine = pc.and_(mine, pc.is_in(rows.column("column"), value_set=names))
            goes = pc.or_(goes, mine.combine_chunks())
        return goes

    return to_remove


def written_words(
    org_vault: OrgVault,
    out: SegmentWriter,
    state: LiveState,
    changes: Sequence[WordChanges],
    columns: Mapping[str, Collection[str]],
) -> Iterator[ReplacedSegments]:
    """Write segments of ``$search`` with the words of these rows, in the tiers of their commits."""
    tiers = [(tier.first, tier.last) for tier in tiers_of(state.of(SEARCH, until=state.seq))]
    by_reach: dict[tuple[int, int], list[tuple[str, pa.Table]]] = {}
    for word_changes in changes:
        words = _words(org_vault, state, word_changes, columns[word_changes.table])
        if words is not None and len(words):
            snap = word_changes.row.snap
            # Beside the tier of its commit, so that a search as of a backup finds the new words
            # too.
            reach = next((t for t in tiers if t[0] <= snap <= t[1]), (snap, snap))
            by_reach.setdefault(reach, []).append((word_changes.row.shape.schema, words))
    for (first, last), parts in sorted(by_reach.items()):
        rows = pa.concat_tables([words for _, words in parts]).combine_chunks()
        label = SegmentLabel(table=SEARCH, schema=parts[-1][0], base=state.seq, tokenizer=VERSION)
        stream = out.stream(label, group_rows=TOKEN_GROUP_ROWS, reach=CommitRange(first, last))
        stream.append(rows.take(pc.sort_indices(rows.column(U_ID))))
        yield ReplacedSegments((), (stream.close(),))


def _words(
    org_vault: OrgVault, state: LiveState, changes: WordChanges, columns: Collection[str]
) -> pa.Table | None:
    """Return the words of a row; None if these columns never had any."""
    shape, present = changes.row.shape, tuple(changes.row.present)
    # Rows of a backup without search have no words, also after a correction.
    searched = org_vault.schemas.tokenizer(shape.schema, changes.table, names=present)
    if searched is not None and not shape.tokenizer:
        return None
    newest = org_vault.chain.manifest(state.seq)[0].schema
    words = RowWords(org_vault, org_vault.load_blob(until=state.seq), newest=newest)
    every = words.tokenizer(changes.table, shape, present)
    tokenizer = every.only(columns) if every is not None else None
    if tokenizer is None or not tokenizer.columns:
        return None
    names = tuple(dict.fromkeys(tokenizer.columns))
    cells = {name: pa.array([changes.cells[name]], pa.string()) for name in names}
    return tokenizer.tokens(pa.table({U_ID: pa.array([changes.row.record], pa.string()), **cells}))
