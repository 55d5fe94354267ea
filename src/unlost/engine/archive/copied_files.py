"""Plan new files that take the place of old ones, so that old versions leave the org."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.engine.restore.running.wanted import rows_in_memory
from unlost.model.errors import UsageError
from unlost.model.message import Noun, counted
from unlost.model.plan import NoteWeight, PlanNote, PlanStep
from unlost.model.ports.vault import Snapshot
from unlost.model.source.shared_files import SharedFile
from unlost.model.source.writing import WriteOp

COPIES, NEW_IDS = "archive-copies", "archive-new-ids"


def check_copies(survey: RestoreSurvey, kind: SharedFile | None) -> None:
    """Refuse a plan whose new files the write user may not create.

    Raises UsageError (``archive-copies-not-allowed``).
    """
    if kind is None or kind.versions is None:
        return
    for name in (kind.versions.rule.table, kind.links):
        capability = survey.capability(name)
        if name in survey.tables and not capability.allows(WriteOp.CREATE):
            raise UsageError(
                "archive-copies-not-allowed",
                "The write user may not create records of {table}, which new files need. {reason}",
                next_step="Give the user this right, then plan again.",
                table=name,
                reason=capability.reason,
            )


def marked_copied(
    copy: Snapshot, steps: Sequence[PlanStep], kind: SharedFile | None
) -> Iterator[PlanStep]:
    """Mark files, their newest versions and their links: new ones take their places."""
    if kind is None or kind.versions is None:
        yield from steps
        return
    rule = kind.versions.rule
    versions = [step.record for step in steps if step.table == rule.table]
    newest = _newest(copy, versions, kind)
    for step in steps:
        whole = step.table in (kind.table, kind.links)
        copied = whole or (step.table == rule.table and step.record in newest)
        # The org does not have its new record yet.
        yield replace(step, copied=True, live=None) if copied else step


def _newest(copy: Snapshot, versions: Sequence[str], kind: SharedFile) -> set[str]:
    assert kind.versions is not None
    rule = kind.versions.rule
    table = copy.schema().table(rule.table)
    size = rows_in_memory(table) if table is not None else 1
    newest: set[str] = set()
    for at in range(0, len(versions), size):
        rows = copy.get(rule.table, versions[at : at + size], columns=[rule.latest_column])
        marks = zip(rows["_u_id"].to_pylist(), rows[rule.latest_column].to_pylist(), strict=True)
        newest.update(record for record, mark in marks if mark == "true")
    return newest


def copy_notes(steps: Sequence[PlanStep], kind: SharedFile) -> Iterator[PlanNote]:
    """Yield the notes on new files."""
    assert kind.versions is not None
    old = sum(step.table == kind.versions.rule.table and not step.copied for step in steps)
    files = sum(step.table == kind.table for step in steps)
    yield PlanNote.of(
        COPIES,
        NoteWeight.NOTE,
        "New files take the place of {files}, with the newest version and the same links. Old versions "
        "leave: {versions}.",
        "The storage needs room for the new files until the old ones are deleted.",
        table=kind.table,
        count=files,
        files=counted(files, Noun.FILE),
        versions=counted(old, Noun.VERSION),
    )
    yield PlanNote.of(
        NEW_IDS,
        NoteWeight.WARNING,
        "The new files have new ids. Addresses that name an old id, such as in mails or other systems, no "
        "longer lead to the file.",
        "Unlost still finds the file by its old id.",
        table=kind.table,
        count=files,
    )
