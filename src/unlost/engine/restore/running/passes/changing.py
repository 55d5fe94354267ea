"""The passes that change live records: undelete, reopen, update, second pass.

  undelete     out of the bin, masters first; details leave it with their master
  reopen       back to a draft, if records must be added that only drafts accept
  (creating)   see ``creating``
  update       set the columns of the plan, unless they were changed since
  second_pass  references of cycles, and columns that must come last, such as an order's status

Every pass reads the records before it writes them. A column that already has the wanted value needs
no call. A column whose value is not the one that the plan saw was changed by a person since: it
stays, and the record ends as a conflict. Columns with such an expectation are read right before
their call; others up to 10,000 records at a time. See docs/adr/0010 and 0019.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import batched

from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.calls import (
    TRIES,
    CallOutcome,
    PreparedRow,
    record_without_call,
    refused,
    send,
    send_in_queue,
    send_queues,
)
from unlost.engine.restore.running.correlate import each, values
from unlost.engine.restore.running.parallel_rows import parallel_batches
from unlost.engine.restore.running.passes.cleared import save
from unlost.engine.restore.running.passes.lost_images import lost_images
from unlost.engine.restore.running.passes.returning import came_along
from unlost.engine.restore.running.rows import late_columns, update_row
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.values import outcome_text
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.text_images import masked, without_ids
from unlost.model.named_records import names_ids, possible_keys
from unlost.model.plan import Action, PlanStep, RecordKey
from unlost.model.source.schema import Table
from unlost.model.source.writing import OutcomeKind, RowOutcome, WriteCapability, WriteOp, WriteRow

LOOKED_AT = 10_000  # records of this run that are read together, then written

type Cells = Mapping[str, str | None]


def undelete(session: RestoreSession) -> None:
    """Take records out of the bin, masters first; details leave it with them and are only recorded.

    If a record is already live at this point, somebody else undeleted it.
    """
    todo = [step for step in session.plan.steps if step.action is Action.UNDELETE]
    if not session.log.state.undid:
        for table in dict.fromkeys(step.table for step in todo):
            _see_live(session, table, [step for step in todo if step.table == table])
    for table, steps in _by_level(todo):
        if session.log.state.undid:
            _see_live(session, table, steps)
        while plan_steps := _pending(session, Pass.UNDELETE, steps):
            for batch in session.batches(table, plan_steps):
                rows = [PreparedRow(WriteRow(step.record, step.live)) for step in batch]
                send(session, Pass.UNDELETE, WriteOp.UNDELETE, table, rows)


def _see_live(session: RestoreSession, table: str, steps: Sequence[PlanStep]) -> None:
    pending = _pending(session, Pass.UNDELETE, steps)
    live = _live_ids(session, table, pending)
    came = [RowOutcome(s.record, OutcomeKind.DONE, s.live) for s in pending if s.live in live]
    record_without_call(session, Pass.UNDELETE, table, came)


def _by_level(steps: Sequence[PlanStep]) -> Iterator[tuple[str, list[PlanStep]]]:
    for level in sorted({step.level for step in steps}):
        plan_steps = [step for step in steps if step.level == level]
        for table in dict.fromkeys(step.table for step in plan_steps):
            yield table, [step for step in plan_steps if step.table == table]


def _pending(session: RestoreSession, stage: Pass, steps: Sequence[PlanStep]) -> list[PlanStep]:
    return [s for s in steps if session.log.state.pending(stage, s.key, most=TRIES)]


def _live_ids(session: RestoreSession, table: str, steps: Sequence[PlanStep]) -> set[str]:
    ids = [step.live for step in steps if step.live is not None]
    if not ids:
        return set()
    rows = session.ports.writer.fetch(session.table(table), ids, columns=[])
    return set(rows.ids.to_pylist())


@dataclass(frozen=True, slots=True)
class RowUpdate:
    """Columns of a live record that must be set. ``edits`` replace wanted values."""

    step: PlanStep
    live: str
    columns: tuple[str, ...]
    edits: Cells = field(default_factory=dict)


def reopen(session: RestoreSession) -> None:
    """Set undeleted records back to their initial status while others are added to them."""
    by_table: dict[str, list[RowUpdate]] = {}
    for step in session.plan.steps:
        live = session.links.live(step.key)
        if step.action is Action.UNDELETE and step.late and live and _may_update(session, step):
            born = {late.column: late.born for late in session.capability(step.table).late}
            edits = {name: born.get(name) for name in step.late}
            by_table.setdefault(step.table, []).append(RowUpdate(step, live, step.late, edits))
    for table, changes in by_table.items():
        _set(session, Pass.REOPEN, table, changes)


def update(session: RestoreSession) -> None:
    """Set the plan's columns on live records, unless they changed since."""
    by_table: dict[str, list[RowUpdate]] = {}
    for step in session.plan.steps:
        live = session.links.live(step.key)
        if step.columns and live is not None and _may_update(session, step):
            by_table.setdefault(step.table, []).append(RowUpdate(step, live, step.columns))
    for change in _columns_of_returned(session):
        by_table.setdefault(change.step.table, []).append(change)
    # Rows that the org removes with an update of another table get their values before that.
    for table in sorted(by_table, key=lambda name: bool(session.capability(name).clears)):
        _set(session, Pass.UPDATE, table, by_table[table])


def _columns_of_returned(session: RestoreSession) -> Iterator[RowUpdate]:
    """All columns that a create would have set, for records that left the bin with a master."""
    for step in session.plan.steps:
        if not step.action.creates or not came_along(session, step):
            continue
        capability = session.capability(step.table)
        apart = {*step.late, *(late.column for late in capability.late)}
        apart |= {product.column for product in capability.by_products}
        wanted = session.wanted.cells([step])[step.key]
        columns = capability.settable & capability.changeable & set(wanted) - apart
        yield RowUpdate(step, str(session.links.live(step.key)), tuple(sorted(columns)))


def _may_update(session: RestoreSession, step: PlanStep) -> bool:
    if step.action is Action.UNDELETE:
        outcome = session.log.state.result(Pass.UNDELETE, step.key)
        return outcome is not None and outcome.kind is OutcomeKind.DONE
    return step.action in (Action.UPDATE, Action.ADOPT, Action.BY_PRODUCT)


def second_pass(session: RestoreSession) -> None:
    """Set columns that could not be set on creation, and the status of reopened records."""
    by_table: dict[str, list[PlanStep]] = {}
    for step in session.plan.steps:
        if _is_created(session, step) or _reopened(session, step):
            by_table.setdefault(step.table, []).append(step)
    for table, steps in by_table.items():
        capability = session.capability(table)
        short = _records_missing_details(session, table, capability)
        record_without_call(
            session, Pass.LATE, table, [_kept_as_draft(s.key) for s in steps if s.key in short]
        )
        plan_steps = [
            step
            for step in steps
            if (step.late or capability.late or _readdressed_late(session, step))
            and step.key not in short
        ]
        for part in batched(plan_steps, LOOKED_AT):
            wanted = session.wanted.cells(part)
            changes = [
                RowUpdate(step, str(session.links.live(step.key)), columns)
                for step in part
                if (columns := _late(session, step, wanted[step.key], capability))
            ]
            _set(session, Pass.LATE, table, changes)


def _records_missing_details(
    session: RestoreSession, table: str, capability: WriteCapability
) -> set[RecordKey]:
    """Records that lack a detail which could not be created, and which only drafts accept."""
    locked_columns = {name for late in capability.late for name in late.holds}
    failed = [s for s in session.plan.steps if s.table in locked_columns and _failed(session, s)]
    wanted = session.wanted.cells(failed)
    short: set[RecordKey] = set()
    for step in failed:
        for column in session.table(step.table).columns:
            named = possible_keys(column, wanted[step.key])
            short.update(key for key in named if key.table == table)
    return short


def _failed(session: RestoreSession, step: PlanStep) -> bool:
    outcome = session.log.state.result(Pass.CREATE, step.key)
    return outcome is not None and outcome.kind is OutcomeKind.FAILED


def _kept_as_draft(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.KEPT_DRAFT)


def _late(
    session: RestoreSession, step: PlanStep, wanted: Cells, capability: WriteCapability
) -> tuple[str, ...]:
    if not step.action.creates:
        return step.late
    columns = late_columns(step, wanted, capability)
    if not _readdressed_late(session, step):
        return columns
    links, images, addresses = capability.text_links, capability.text_images, session.addresses
    texts = {name: wanted.get(name) for name in sorted(links.columns & capability.changeable)}
    changed = []
    for name, text in texts.items():
        created = addresses.created(text or "", links, step)
        final = addresses.final(text or "", links)
        # The images that the text shows are sent after this pass, with their addresses.
        if name in images.columns:
            created, final = without_ids(created, images), without_ids(final, images)
        if created != final:
            changed.append(name)
    return tuple(dict.fromkeys((*columns, *changed)))


def _readdressed_late(session: RestoreSession, step: PlanStep) -> bool:
    """True if texts of a created record may name records that were created with it or later.

    Another process that created it knew which; this one looks at all.
    """
    if step.key in session.addresses.waiting:
        return True
    capability = session.capability(step.table)
    return session.resumed and bool(capability.text_links.columns & capability.changeable)


def _is_created(session: RestoreSession, step: PlanStep) -> bool:
    return step.action.creates and _done(session, step, Pass.CREATE)


def _reopened(session: RestoreSession, step: PlanStep) -> bool:
    return step.action is Action.UNDELETE and _done(session, step, Pass.REOPEN)


def _done(session: RestoreSession, step: PlanStep, stage: Pass) -> bool:
    """True for a step that succeeded in this pass."""
    outcome = session.log.state.result(stage, step.key)
    return outcome is not None and outcome.kind is OutcomeKind.DONE


def _set(session: RestoreSession, stage: Pass, table: str, changes: Sequence[RowUpdate]) -> None:
    updates = {change.step.key: change for change in changes}
    steps = [change.step for change in changes]
    # Each further round sends rows again that were refused temporarily.
    while plan_steps := _pending(session, stage, steps):
        for part in _batches_to_look_up(session, stage, table, plan_steps):
            live = _live_cells(session, table, [updates[step.key] for step in part])
            ready = partial(_prepared, session, stage, table, updates=updates, live=live)
            if stage is Pass.LATE and session.sends_in_parallel(table, len(part)):
                _set_in_parallel(session, table, part, ready)
                continue
            for batch in session.batches(table, part):
                if rows := ready(batch):
                    send(session, stage, WriteOp.UPDATE, table, rows)


def _set_in_parallel(
    session: RestoreSession,
    table: str,
    steps: Sequence[PlanStep],
    ready: Callable[[Sequence[PlanStep]], list[PreparedRow]],
) -> None:
    """Make several calls at a time: these records were created by this run a moment ago."""

    def calls(
        queue: Iterable[tuple[str, Sequence[PlanStep]]],
    ) -> Iterator[Callable[[], CallOutcome | None]]:
        send_rows = partial(send_in_queue, session, Pass.LATE, WriteOp.UPDATE, table)
        return (partial(send_rows, rows) for _, batch in queue if (rows := ready(batch)))

    queues = parallel_batches(session, {table: steps}, late=True)
    send_queues(session, [calls(queue) for queue in queues])


def _batches_to_look_up(
    session: RestoreSession, stage: Pass, table: str, steps: Sequence[PlanStep]
) -> Iterator[Sequence[PlanStep]]:
    """Groups of records that are read together before they are written.

    Records that must still be as the plan saw them are read right before their call, and so are
    records that become drafts again.
    """
    close = [step for step in steps if stage is Pass.REOPEN or _guarded(stage, step)]
    near = {step.key for step in close}
    yield from batched((step for step in steps if step.key not in near), LOOKED_AT)
    yield from session.batches(table, close)


def _guarded(stage: Pass, step: PlanStep) -> bool:
    return stage is Pass.UPDATE and step.expect is not None


def _live_cells(
    session: RestoreSession, table: str, changes: Sequence[RowUpdate]
) -> dict[str, Cells]:
    """The records as they are now, by live id."""
    columns = sorted({name for change in changes for name in change.columns})
    live_ids = [change.live for change in changes]
    return dict(each(session.ports.writer.fetch(session.table(table), live_ids, columns=columns)))


def _prepared(
    session: RestoreSession,
    stage: Pass,
    table: str,
    steps: Sequence[PlanStep],
    *,
    updates: Mapping[RecordKey, RowUpdate],
    live: Mapping[str, Cells],
) -> list[PreparedRow]:
    """The rows that must be sent; outcomes that need no call, and rows that the org may remove, are
    written.
    """
    described = session.table(table)
    changes = [updates[step.key] for step in steps]
    states = session.wanted.cells([change.step for change in changes])
    wanted = {change.step.key: {**states[change.step.key], **change.edits} for change in changes}
    session.links.prefetch(described.columns, wanted.values())
    seen: list[RowOutcome] = []
    prepared: list[PreparedRow] = []
    for change in changes:
        built = update_row(change.columns, wanted[change.step.key], described, session.links)
        cells = _readdressed(session, table, built.cells)
        now = live.get(change.live)
        judged = _row_or_outcome(session, stage, described, change, cells, now)
        if isinstance(judged, RowOutcome):
            seen.append(judged)
        else:
            shown = wanted[change.step.key]
            prepared.append(_hashed_apart_from_images(session, change.step, shown, judged))
    record_without_call(session, stage, table, seen)
    save(session, table, prepared)
    return prepared


def _hashed_apart_from_images(
    session: RestoreSession, step: PlanStep, wanted: Cells, row: PreparedRow
) -> PreparedRow:
    """The row with a hash without the addresses of images that the run sends again later.

    They get new addresses then, which an undo must not take for a change by a person.
    """
    images, cells = session.capability(step.table).text_images, row.row.cells
    texts = {name: text for name, text in cells.items() if name in images.columns and text}
    bare = {
        name: masked(text, images)
        for name, text in texts.items()
        if lost_images(session, step, wanted.get(name) or "")
    }
    if not bare:
        return row
    return replace(row, digest=digest(session.table(step.table), {**cells, **bare}))


def _readdressed(session: RestoreSession, table: str, cells: Cells) -> Cells:
    """The cells with new ids in the addresses within their texts."""
    links, addresses = session.capability(table).text_links, session.addresses
    return {
        name: addresses.final(text, links) if text and name in links.columns else text
        for name, text in cells.items()
    }


def _row_or_outcome(
    session: RestoreSession,
    stage: Pass,
    table: Table,
    change: RowUpdate,
    wanted: Cells,
    live: Cells | None,
) -> RowOutcome | PreparedRow:
    """The row to send, or the outcome without a call: gone, already correct, changed."""
    key = change.step.key
    if live is None:
        return gone(key)
    names = tuple(wanted)
    # Already correct: another write would only change dates and run triggers.
    if values(table, live, names) == values(table, wanted, names):
        return RowOutcome(key.record, OutcomeKind.DONE, change.live)
    expect = change.step.expect if _guarded(stage, change.step) else None
    if expect is not None:
        ours = {
            *wanted.values(),
            *session.log.state.returned,
            *_older_references(session, table, wanted, live),
        }
        if not _as_planned(table, change, live, expect, ours):
            return _changed_since(key)
    before = _only(live, names)
    return PreparedRow(WriteRow(key.record, change.live, dict(wanted)), before)


def _older_references(
    session: RestoreSession, table: Table, wanted: Cells, live: Cells
) -> Iterator[str]:
    """References to an older life of the record that is wanted there."""
    for column in table.columns:
        wanted_text, now = wanted.get(column.name), live.get(column.name)
        if not names_ids(column) or not wanted_text or not now or wanted_text == now:
            continue
        session.links.prefetch([column], [live])
        if session.links.resolve(column, live) == wanted_text:
            yield now


def _as_planned(
    table: Table, change: RowUpdate, live: Cells, expect: str, ours: Collection[str | None]
) -> bool:
    """True if only this run touched the columns.

    A record that leaves the bin may take its references back automatically: where they point to one
    of ``ours``, the plan saw them empty.
    """
    cells = _only(live, change.columns)
    if digest(table, cells) == expect:
        return True
    links = {column.name for column in table.columns if column.reference is not None}
    for name in links.intersection(change.columns):
        if live.get(name) in ours:
            cells[name] = None
    return digest(table, cells) == expect


def _only(cells: Cells, columns: Sequence[str]) -> dict[str, str | None]:
    return {name: cells.get(name) for name in columns}


def gone(key: RecordKey) -> RowOutcome:
    """The outcome of a record that was live, and no longer is."""
    return refused(key, outcome_text.NOT_LIVE)


def _changed_since(key: RecordKey) -> RowOutcome:
    return refused(key, outcome_text.CHANGED)
