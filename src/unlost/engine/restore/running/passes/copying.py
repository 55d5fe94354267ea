"""New files that take the place of old ones, so that an archive can free the old versions.

  create   the newest version, from the vault; the org creates its file
           the links, for the new file
  compare  hash and size in the org = those of the copy in the vault; the same holders
  delete   the old file (``archiving``), or the new one if the old file must stay

The journal has new records in the pass of creates, by the ids of the old ones, so that a run that
stopped finds them again. See docs/adr/0058.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import batched

import pyarrow as pa

from unlost.engine.restore.journal.entries import Pass, ReadRecord, RecordsRead
from unlost.engine.restore.running.calls import (
    TRIES,
    PreparedRow,
    refusal,
    refused,
    send,
)
from unlost.engine.restore.running.comparison import checked_columns
from unlost.engine.restore.running.correlate import each, values
from unlost.engine.restore.running.passes.creating import Creator
from unlost.engine.restore.running.passes.file_rows import proof_of
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import rows_in_memory
from unlost.engine.restore.values import outcome_text
from unlost.engine.restore.values.cells import digests
from unlost.engine.restore.values.outcome import Ending, RecordOutcome
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.source.schema import Table, WireKind
from unlost.model.source.shared_files import SharedFile
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteOp, WriteRow

NOT_COPIED, LEFT_OVER = outcome_text.NEW_ONE_DIFFERS.code, "archive-copy-stays"

type Cells = Mapping[str, str | None]


def copy_files(session: RestoreSession, steps: Sequence[PlanStep]) -> dict[RecordKey, RowOutcome]:
    """Create the new files of these steps, and compare them; returns why old files must stay."""
    kind = session.freed_kind
    copied = [step for step in steps if step.copied]
    if kind is None or kind.versions is None or not copied:
        return {}
    creator, versions = Creator(session), kind.versions.rule.table
    creator.copy([step for step in copied if step.table == versions])
    groups = {step.group for step in copied if _is_created(session, step, kind)}
    creator.copy([step for step in copied if step.table == kind.links and step.group in groups])
    missing = [step for step in copied if session.links.live(step.key) is None]
    causes = {step.key: _is_not_copied(session, step.key) for step in missing}
    there = [step for step in copied if step.key not in causes]
    for table, of_table in _by_table(there).items():
        causes |= _compared(session, creator, session.table(table), of_table)
    return causes


def _is_created(session: RestoreSession, step: PlanStep, kind: SharedFile) -> bool:
    return step.table == kind.table and session.links.live(step.key) is not None


def _by_table(steps: Sequence[PlanStep]) -> Mapping[str, list[PlanStep]]:
    by_table: dict[str, list[PlanStep]] = defaultdict(list)
    for step in steps:
        by_table[step.table].append(step)
    return by_table


# --- read back ------------------------------------------------------------------------------------


def _compared(
    session: RestoreSession, creator: Creator, table: Table, steps: Sequence[PlanStep]
) -> dict[RecordKey, RowOutcome]:
    """The records whose new ones differ. The journal gets the values of the new ones, for an undo."""
    columns = checked_columns(table, session.capability(table.name))
    causes: dict[RecordKey, RowOutcome] = {}
    for part in batched(steps, rows_in_memory(table)):
        lives = {step.key: str(session.links.live(step.key)) for step in part}
        fetched = session.ports.writer.fetch(table, list(lives.values()), columns=list(columns))
        live = dict(each(fetched))
        for key, sent in _sent(session, creator, table, part).items():
            cells = live.get(lives[key])
            if cells is None or not _is_same(table, sent, cells):
                causes[key] = _is_different(key)
        session.log.write(_read(table, part, lives, live, columns))
    return causes


def _sent(
    session: RestoreSession, creator: Creator, table: Table, steps: Sequence[PlanStep]
) -> Mapping[RecordKey, Cells]:
    """The values that new records must have. The org itself creates a file with its version."""
    if session.capability(table.name).file_column is None:
        if not session.capability(table.name).allows(WriteOp.CREATE):
            return {step.key: {} for step in steps}
        return {key: row.values for key, row in creator.build(table.name, steps).items()}
    wanted = session.wanted.cells(steps)
    texts = {column.name for column in table.columns if column.kind is WireKind.TEXT}
    return {
        key: {name: text for name, text in row.values.items() if name in texts}
        | proof_of(table, wanted[key])
        for key, row in creator.build(table.name, steps).items()
    }


def _is_same(table: Table, sent: Cells, live: Cells) -> bool:
    """True if the org has all values. Without a hash or a size, it is not known what it stored."""
    proof = [name for file in table.files for name in (file.checksum_column, file.size_column)]
    if any(name is not None and not sent.get(name) for name in proof):
        return False
    columns = tuple(name for name in sent if name in live)
    return values(table, sent, columns) == values(table, live, columns)


def _read(
    table: Table,
    steps: Sequence[PlanStep],
    lives: Mapping[RecordKey, str],
    live: Mapping[str, Cells],
    columns: tuple[str, ...],
) -> RecordsRead:
    there = [step for step in steps if lives[step.key] in live]
    cells = [live[lives[step.key]] for step in there]
    present = [name for name in columns if cells and name in cells[0]]
    rows = pa.table({
        name: pa.array([row.get(name) for row in cells], pa.string()) for name in present
    })  # fmt: skip
    hashes = digests(table, rows, present) if there and present else [""] * len(there)
    read = zip(there, hashes, strict=True)
    return RecordsRead(
        table.name,
        columns,
        tuple(ReadRecord(step.record, lives[step.key], digest=text) for step, text in read),
    )


# --- new files that are not needed ----------------------------------------------------------------


def discarded_ids(session: RestoreSession) -> set[RecordKey]:
    """The new files that this archive took away again, with all of theirs, by their ids in the org."""
    if session.freed_kind is None:
        return set()
    state = session.log.state
    groups = {session.step(key).group for key in state.results.get(Pass.DISCARD, {})}
    created = ((key, live) for key, live in state.links.items() if live != key.record)
    return {
        RecordKey(key.table, live) for key, live in created if session.step(key).group in groups
    }


def discard_copies(session: RestoreSession) -> None:
    """Delete the new files whose old files stay in the org."""
    kind = session.freed_kind
    if kind is None or kind.versions is None:
        return
    state = session.log.state
    versions = [step for step in session.plan.steps if step.table == kind.versions.rule.table]
    created = [step for step in versions if step.copied and session.links.live(step.key)]
    Creator(session).link_products(created)  # it may have stopped before it knew the new file
    files = list(_not_needed(session, kind))
    while pending := [s for s in files if state.pending(Pass.DISCARD, s.key, most=TRIES)]:
        for batch in batched(pending, session.capability(kind.table).rows_per_call):
            rows = [
                PreparedRow(WriteRow(step.record, session.links.live(step.key))) for step in batch
            ]
            send(session, Pass.DISCARD, WriteOp.DELETE, kind.table, rows)


def _not_needed(session: RestoreSession, kind: SharedFile) -> Iterator[PlanStep]:
    for step in session.plan.steps:
        if step.table == kind.table and step.copied and session.links.live(step.key) is not None:
            result = session.log.state.result(Pass.DELETE, step.key)
            if result is None or result.kind is not OutcomeKind.DONE:
                yield step


def outcomes(session: RestoreSession) -> Iterator[RecordOutcome]:
    """The outcomes of new files that could not be deleted again."""
    for key, outcome in session.log.state.results.get(Pass.DISCARD, {}).items():
        if outcome.kind is OutcomeKind.FAILED:
            live = str(session.links.live(key))
            yield RecordOutcome(
                key.table,
                live,
                Ending.FAILED,
                live,
                LEFT_OVER,
                f"The new file {key.table}/{live} is still there beside {key}, which stays. "
                f"{outcome.sentence}",
                "Delete the new file in the org by hand.",
            )


# --- sentences ------------------------------------------------------------------------------------


def _is_not_copied(session: RestoreSession, key: RecordKey) -> RowOutcome:
    failed = session.log.state.result(Pass.CREATE, key)
    why = f" {failed.sentence}" if failed is not None else ""
    return refusal(
        key, NOT_COPIED, f"{key} stays in the org: no new record could take its place.{why}"
    )


def _is_different(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.NEW_ONE_DIFFERS)
