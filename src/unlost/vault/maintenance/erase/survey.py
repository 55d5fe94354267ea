"""Survey of an erasure: everything that it removes, found before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.errors import Conflict
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.erasure import Erase, Erasure
from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import FILES, SEPARATOR, U_ID
from unlost.vault.maintenance.erase.chosen import (
    ErasedRecords,
    choose,
    held_records,
    marks_of,
    system_rows,
)
from unlost.vault.maintenance.erase.counts import erased_of, versions_of
from unlost.vault.maintenance.erase.packs import ErasedContents, contents_of
from unlost.vault.maintenance.erase.redact import (
    RecordNameFinder,
    certificates_naming,
    journals_naming,
)
from unlost.vault.maintenance.erase.suppression_entries import unlisted
from unlost.vault.maintenance.rewrite.affected_segments import (
    AffectedTable,
    Pause,
    RowsToRemove,
    find_affected,
)
from unlost.vault.read.change_index import commit_text, parts_of_ids
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.suppression_list import SuppressionMark


@dataclass(frozen=True, slots=True)
class ErasureSurvey:
    """Everything that an erasure removes."""

    wish: Erase
    chosen: ErasedRecords
    matched: frozenset[tuple[str, str]]
    marks: tuple[SuppressionMark, ...]
    versions: Mapping[str, pa.Table]
    hits: tuple[AffectedTable, ...]
    contents: ErasedContents
    journals: tuple[str, ...]
    certificates: tuple[tuple[str, Certificate], ...]
    effect: Erasure

    @property
    def nothing(self) -> bool:
        """True if the vault has no data of the records, and has them on its suppression list."""
        return not (self.marks or self.hits or self.journals or self.certificates)

    @property
    def naming(self) -> RecordNameFinder:
        """Detector for documents that name the records."""
        return RecordNameFinder(self.chosen.records)


def _check_holds(org_vault: OrgVault, chosen: ErasedRecords) -> None:
    held_keys = held_records(org_vault, chosen)
    if held_keys:
        others = len(held_keys) - 1
        raise Conflict(
            "erase-held",
            "{first} and {others} more of {count} records are under a legal hold. Nothing was changed."
            if others
            else "{first} is under a legal hold. Nothing was changed.",
            next_step="Leave them out, or first lift the legal hold with `unlost hold lift ORG`."
            if len(chosen.records) > 1
            else "First lift the legal hold with `unlost hold lift ORG`.",
            first=held_keys[0],
            others=others,
            count=len(chosen.records),
        )


def find(
    org_vault: OrgVault, state: LiveState, wish: Erase, *, run: str, pause: Pause
) -> ErasureSurvey:
    """Find everything that the erasure removes; raises Conflict (``erase-held``), UsageError."""
    chosen = choose(org_vault, state, wish.records)
    _check_holds(org_vault, chosen)
    marks = unlisted(org_vault, state, marks_of(org_vault, chosen, wish.match, run=run))
    rows = {table: versions_of(org_vault, state, table, ids) for table, ids in chosen.ids.items()}
    system = system_rows(org_vault, chosen)
    hits = [_hit(org_vault, state, table, ids, pause) for table, ids in chosen.ids.items()]
    hits += [
        _hit(org_vault, state, table, ids, pause) for table, ids in system.items() if table != FILES
    ]
    contents = contents_of(
        org_vault,
        state,
        ids=chosen.ids,
        file_rows=system[FILES],
        named=[texts for affected in hits for texts in affected.blobs],
        pause=pause,
    )
    # ``$files`` comes last: its rows go by record and by content, and a repacked pack changes
    # others.
    files = _hit(org_vault, state, FILES, contents.rows, pause)
    hits.append(replace(files, ranks=files.ranks | contents.ranks))
    naming = RecordNameFinder(chosen.records)
    erasure_survey = ErasureSurvey(
        wish=wish,
        chosen=chosen,
        matched=frozenset((column.table, column.column) for column in wish.match),
        marks=marks,
        versions=rows,
        hits=tuple(affected for affected in hits if affected.ranks),
        contents=contents,
        journals=journals_naming(org_vault, naming),
        certificates=tuple(certificates_naming(org_vault, state, naming)),
        effect=Erasure(),
    )
    return replace(erasure_survey, effect=_effect_of(erasure_survey))


def _hit(
    org_vault: OrgVault, state: LiveState, table: str, ids: pa.Array, pause: Pause
) -> AffectedTable:
    return find_affected(org_vault.view(table, until=state.seq, state=state), ids, pause=pause)


def _effect_of(erasure_survey: ErasureSurvey) -> Erasure:
    chosen, rows = erasure_survey.chosen, erasure_survey.versions
    tables = [erased_of(table, table_rows) for table, table_rows in rows.items() if len(table_rows)]
    known = {
        (table, record_id)
        for table, rows_of_table in rows.items()
        for record_id in rows_of_table.column(U_ID).to_pylist()
    }
    moving = erasure_survey.contents.freed.packs
    return Erasure(
        records=chosen.records,
        unknown=tuple(key for key in chosen.records if (key.table, key.record) not in known),
        tables=tuple(tables),
        values=sum(
            (mark.table, mark.column) in erasure_survey.matched for mark in erasure_survey.marks
        ),
        files=erasure_survey.contents.freed.contents,
        file_bytes=erasure_survey.contents.freed.bytes,
        journals=erasure_survey.journals,
        certificates=len(erasure_survey.certificates),
        rewritten=sum(affected.bytes for affected in erasure_survey.hits)
        + sum(chosen.state.packs[pack].bytes for pack in moving),
        elsewhere=chosen.elsewhere,
    )


def words_to_remove(chosen: ErasedRecords) -> RowsToRemove:
    """Select the rows of ``$search`` about these records."""
    ids = chosen.ids

    def to_remove(rows: pa.Table) -> pa.Array:
        goes = pa.array([False] * len(rows), pa.bool_())
        for table, ids_of_table in ids.items():
            mine = pc.and_(
                pc.equal(rows.column("table"), table),
                pc.is_in(rows.column("record"), value_set=ids_of_table),
            )
            goes = pc.or_(goes, mine.combine_chunks())
        return goes

    return to_remove


def changes_to_remove(chosen: ErasedRecords, first: Mapping[str, int]) -> RowsToRemove:
    """Select the rows of ``$changes`` about these records, and of the new first commit of a table.

    The first commit of a table has no rows there: everything in it is new. ``first`` is by table.
    """
    ids = chosen.ids

    def to_remove(rows: pa.Table) -> pa.Array:
        keys = rows.column(U_ID).combine_chunks()
        goes = pa.array([False] * len(rows), pa.bool_())
        for table, own_ids in ids.items():
            of_table = pc.starts_with(keys, f"{table}{SEPARATOR}")
            commits, records = parts_of_ids(table, keys)
            early = pc.less_equal(commits, commit_text(first[table]))
            mine = pc.or_(pc.is_in(records, value_set=own_ids), early)
            goes = pc.or_(goes, pc.and_(of_table, mine))
        return goes

    return to_remove
