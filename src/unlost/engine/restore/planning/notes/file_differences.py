"""Notes about live records whose file in the org is not the one of the backup.

A restore sends the bytes of a file only with a record that it creates. A file of a live record may
differ in two ways: its bytes were replaced, or the org names another record as its current version
(``model.source.version_links``). The bytes in the org are not read: its row shows a size and often
a checksum, and the newest backup has what it saw last.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlost.engine.restore.planning.choose import DraftStep
from unlost.engine.restore.planning.survey import FETCH_IDS, LiveRow, RestoreSurvey, chunks
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.plan import Action, ActionReason, RecordKey
from unlost.model.source.schema import FileColumn
from unlost.model.source.version_links import VersionLink, version_link
from unlost.model.vault.snapshot import StoredFile

COMES_BACK = (Action.UNDELETE, Action.ADOPT)
STAYS_LIVE = (Action.UNCHANGED, Action.UPDATE)


def note_other_files(survey: RestoreSurvey, drafts: Iterable[DraftStep]) -> None:
    """Note the records whose file differs; skip those of which nothing else has to be written.

    Decides after all columns and references, so that these are still put back.
    """
    groups: dict[tuple[int, str], list[DraftStep]] = {}
    for step in drafts:
        if _wants_file(step):
            groups.setdefault((step.facts.snapshot, step.key.table), []).append(step)
    for (number, table), steps in groups.items():
        versions = _versions(survey, table)
        for some in chunks(steps, FETCH_IDS):
            _note_replaced(survey, number, table, some)
            for version in versions:
                _note_outdated(survey, number, version, some)


def _wants_file(step: DraftStep) -> bool:
    """True if the whole record is put back, and it is or will be live."""
    chosen = step.why is ActionReason.SELECTED and step.action in STAYS_LIVE
    return step.facts.whole and (chosen or step.action in COMES_BACK)


def _note(step: DraftStep, code: NoteCode) -> None:
    if step.action is Action.UNCHANGED:
        step.skip(code)
    else:
        step.remark(code)


# --- replaced bytes -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _WantedFile:
    """A file of the backup, and its size and checksum by the record's row."""

    stored: StoredFile
    size: int
    checksum: str | None


@dataclass(frozen=True, slots=True)
class _LiveFile:
    """A file in the org: its size and checksum by its row, and the newest backup of its bytes."""

    size: int | None
    checksum: str | None
    backed_up: StoredFile | None


def _note_replaced(
    survey: RestoreSurvey, number: int, table: str, steps: Sequence[DraftStep]
) -> None:
    """Note records whose own bytes were replaced."""
    if survey.capability(table).file_column is None:
        return
    stored = _files(survey, number, table, [step.key.record for step in steps])
    lives = [step.facts.live or step.key.record for step in steps]
    newest = _files(survey, survey.newest, table, lives)
    for step, live in zip(steps, lives, strict=True):
        facts, file = step.facts, stored.get(step.key.record)
        seen = _LiveFile(facts.live_file_bytes, facts.live_checksum, newest.get(live))
        if file is None:
            if None not in (facts.file_bytes, seen.size) and facts.file_bytes != seen.size:
                _note(step, NoteCode.FILE_MISSING)
            continue
        # The file may be older than the row, if the backup could not read it.
        size = file.size if facts.file_bytes is None else facts.file_bytes
        if _is_other(_WantedFile(file, size, facts.checksum), seen):
            _note(step, NoteCode.FILE_DIFFERS)


def _is_other(wanted: _WantedFile, live: _LiveFile) -> bool:
    """True if the org's file has other bytes than the wanted one, as far as can be seen."""
    if wanted.checksum and live.checksum:
        return wanted.checksum != live.checksum
    if live.size is not None and live.size != wanted.size:
        return True
    # The same size, or none: a backup that saw the same file decides.
    seen = live.backed_up
    return seen is not None and seen.blob != wanted.stored.blob and live.size in (None, seen.size)


def _files(
    survey: RestoreSurvey, number: int, table: str, records: Sequence[str]
) -> Mapping[str, StoredFile]:
    """The files of records in a backup, by record."""
    column, snapshot = survey.capability(table).file_column, survey.snapshot(number)
    files = snapshot.files(table, records) if table in snapshot.tables() else ()
    return {file.record: file for file in files if file.column == column}


# --- other versions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _VersionTable:
    """A table of versions, the column with their bytes, and the path to the current one."""

    name: str
    file: FileColumn
    link: VersionLink


def _versions(survey: RestoreSurvey, name: str) -> Sequence[_VersionTable]:
    """The tables of versions that a table is or keeps, whose current one the org names itself."""
    tables = [table for table in survey.schema.tables if table.files]
    linked = [(table, version_link(survey.schema, table)) for table in tables]
    return [
        _VersionTable(table.name, table.files[0], link)
        for table, link in linked
        if link is not None
        and name in (table.name, link.keeper)
        and link.newest not in survey.capability(link.keeper).changeable
    ]


def _note_outdated(
    survey: RestoreSurvey, number: int, version: _VersionTable, steps: Sequence[DraftStep]
) -> None:
    """Note keepers of another current version, and the versions that were current."""
    table, link = steps[0].key.table, version.link
    records = [step.key.record for step in steps]
    keepers: Mapping[str, str | None] = {record: record for record in records}
    if table == version.name:
        keepers = _column(survey, number, table, column=link.column, records=records)
    named = sorted({keeper for keeper in keepers.values() if keeper is not None})
    outdated = dict(_outdated(survey, number, version, named))
    for step in steps:
        current = outdated.get(keepers.get(step.key.record) or "")
        if current is not None and (table == link.keeper or current == step.key.record):
            _note(step, NoteCode.FILE_DIFFERS)


def _column(
    survey: RestoreSurvey, number: int, table: str, *, column: str, records: Sequence[str]
) -> Mapping[str, str | None]:
    """The values of a column in a backup, by record; empty if the backup does not have it."""
    shape = survey.shape(number, table)
    if shape is None or shape.column(column) is None:
        return {}
    rows = survey.snapshot(number).get(table, records, columns=[column])
    return dict(zip(rows["_u_id"].to_pylist(), rows[column].to_pylist(), strict=True))


def _outdated(
    survey: RestoreSurvey, number: int, version: _VersionTable, keepers: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Keepers whose current version in the org has other bytes, each with the wanted version."""
    link = version.link
    wanted = _column(survey, number, link.keeper, column=link.newest, records=keepers)
    lives = {keeper: survey.life(RecordKey(link.keeper, keeper)).record for keeper in wanted}
    live_rows = survey.rows(link.keeper, sorted(lives.values()), columns=[link.newest])
    current = {keeper: _current(live_rows.get(live), link) for keeper, live in lives.items()}
    moved = {
        keeper: (old, new)
        for keeper, old in wanted.items()
        if old is not None
        and (new := current[keeper]) is not None
        and new != survey.life(RecordKey(version.name, old)).record
    }
    files = _wanted_files(survey, number, version, sorted(old for old, _ in moved.values()))
    live_files = _live_files(survey, version, sorted(new for _, new in moved.values()))
    for keeper, (old, new) in moved.items():
        if old not in files or new not in live_files or _is_other(files[old], live_files[new]):
            yield keeper, old


def _wanted_files(
    survey: RestoreSurvey, number: int, version: _VersionTable, records: Sequence[str]
) -> Mapping[str, _WantedFile]:
    """The files of versions in a backup, as far as the vault has them."""
    name, checksum = version.name, version.file.checksum_column or ""
    checksums = _column(survey, number, name, column=checksum, records=records)
    files = _files(survey, number, name, records)
    return {
        record: _WantedFile(file, file.size, checksums.get(record))
        for record, file in files.items()
    }


def _current(row: LiveRow | None, link: VersionLink) -> str | None:
    """The current version that a live row names."""
    return row.cells.get(link.newest) if row is not None else None


def _live_files(
    survey: RestoreSurvey, version: _VersionTable, records: Sequence[str]
) -> Mapping[str, _LiveFile]:
    """The files of live versions."""
    size, checksum = version.file.size_column or "", version.file.checksum_column or ""
    rows = survey.rows(version.name, records, columns=[size, checksum])
    newest = _files(survey, survey.newest, version.name, records)
    sizes = {record: row.cells.get(size) or "" for record, row in rows.items()}
    return {
        record: _LiveFile(
            int(sizes[record]) if sizes[record].isdecimal() else None,
            row.cells.get(checksum),
            newest.get(record),
        )
        for record, row in rows.items()
    }
