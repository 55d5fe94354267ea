"""The creating pass: records that are created, level by level, parents first.

For each level of the plan:

  build   wanted cells from the vault, references replaced by live ids (``rows``, ``links``)
  refuse  rows whose required parent did not come back, and those of a table that keeps no ids
  look    records that are to have their former id: is there a live one with it by now?
  send    small tables: several calls at a time, in queues (``parallel_rows``)
          large tables: Bulk jobs; records with files: small ones together, large ones alone
  link    ask the org which by-products it created with these records

Rows are built by one thread, in order; only calls run in others. While a call runs, the next rows
are built and the next level is read. After a crash ``rebuilt`` builds the rows of an open call
again and compares their hashes with the intent: only an exact copy may be looked for in the org.
See docs/adr/0010, 0011 and 0019.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import batched

from unlost.engine.prefetch import prefetch
from unlost.engine.restore.journal.entries import CallIntent, LiveLink, Pass, RecordsLinked
from unlost.engine.restore.running.calls import (
    TRIES,
    CallOutcome,
    PreparedRow,
    record_without_call,
    refusal,
    refused,
    send,
    send_in_queue,
    send_queues,
    upload,
)
from unlost.engine.restore.running.correlate import each, uncertain
from unlost.engine.restore.running.kept_ids import asked_id
from unlost.engine.restore.running.parallel_rows import parallel_batches
from unlost.engine.restore.running.passes.file_rows import (
    NOT_HELD,
    file_batches,
    has_bytes,
    no_file,
    proof_of,
    send_small,
)
from unlost.engine.restore.running.passes.returning import leave, live_again
from unlost.engine.restore.running.rows import BuiltRow, create_rows
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import READ_ROWS
from unlost.engine.restore.values import outcome_text
from unlost.engine.restore.values.cells import digests_of
from unlost.engine.restore.values.note_code import NoteCode
from unlost.model.errors import IntegrityError, NotFound, TransientError
from unlost.model.plan import Action, PlanStep, RecordKey
from unlost.model.source.schema import Table
from unlost.model.source.writing import UPLOAD_UNSENT, Birth, WriteOp, WriteRow
from unlost.model.vault.snapshot import StoredFile

PREFETCH_ROWS = 6_000  # records of the next level that are read in advance
READ_ONLY = ""  # marks reading without a table to write
LINK_BATCH = 2_000  # records whose by-products are requested at a time

type Cells = Mapping[str, str | None]


@dataclass(slots=True)
class Creator:
    """Creates the plan's records. ``lists``: gathered references by (table, column) and parent."""

    session: RestoreSession
    lists: dict[tuple[str, str], Mapping[str, Sequence[tuple[RecordKey, str]]]] = field(
        default_factory=dict
    )

    def run(self) -> None:
        """Create pending records."""
        todo = [step for step in self.session.plan.steps if step.action.creates]
        levels: dict[int, list[PlanStep]] = {}
        for step in sorted(todo, key=lambda plan_step: plan_step.level):
            levels.setdefault(step.level, []).append(step)
        rest = list(levels.values())
        for place, steps in enumerate(rest):
            self._tables(_by_table(steps), then=rest[place + 1] if place + 1 < len(rest) else ())

    def copy(self, steps: Sequence[PlanStep]) -> None:
        """Create records that take the places of these, which are to leave; all of one table."""
        self._tables(_by_table(steps))

    def create_missing_by_products(self) -> None:
        """Create by-products that the org did not create after all, if they may be written."""
        session = self.session
        plan_steps = _by_table(
            step
            for step in session.plan.steps
            if step.action is Action.BY_PRODUCT
            and session.links.live(step.key) is None
            and NoteCode.KEPT_IN_STEP not in step.notes
        )
        for table, steps in plan_steps.items():
            capability = session.capability(table)
            if capability.birth is not Birth.NEVER and capability.allows(WriteOp.CREATE):
                waiting = self._waiting_for_makers(table)
                self._tables({table: [step for step in steps if step.record not in waiting]})

    def _waiting_for_makers(self, table: str) -> set[str]:
        """By-products of this table whose maker is not there: they would come without it."""
        session = self.session
        waiting: set[str] = set()
        for maker in dict.fromkeys(step.table for step in session.plan.steps):
            columns = [p.column for p in session.capability(maker).by_products if p.table == table]
            missing = [
                step
                for step in session.plan.steps
                if columns and step.table == maker and session.links.live(step.key) is None
            ]
            for cells in session.wanted.cells(missing).values():
                waiting |= {value for name in columns if (value := cells.get(name)) is not None}
        return waiting

    def _tables(
        self, by_table: Mapping[str, Sequence[PlanStep]], *, then: Sequence[PlanStep] = ()
    ) -> None:
        """Create records that need not wait for one another.

        While a call runs the next rows are built, and at the end the records of ``then`` are read.
        """
        plan_steps = self._pending_tables(by_table)
        while plan_steps:
            small = {t: steps for t, steps in plan_steps.items() if self._small(t, steps)}
            self._small_calls(small, then=then)
            rest = [(t, steps) for t, steps in plan_steps.items() if t not in small]
            batches = [(t, some) for t, steps in rest for some in self._batches(t, steps)]
            # The small calls have already read the next level in between.
            soon = [] if small else [(READ_ONLY, then[:PREFETCH_ROWS])]
            for (table, steps), built in prefetch(self._build_or_read, [*batches, *soon]):
                if table != READ_ONLY:
                    self._batch(table, steps, built)
            plan_steps = self._pending_tables(by_table)
        for steps in by_table.values():
            self.link_products(steps)

    def _small(self, table: str, steps: Sequence[PlanStep]) -> bool:
        """True if these are sent in small calls beside one another."""
        capability = self.session.capability(table)
        special = capability.file_column is not None or capability.gathers
        return not special and self.session.sends_in_parallel(table, len(steps))

    def _small_calls(
        self, by_table: Mapping[str, Sequence[PlanStep]], *, then: Sequence[PlanStep]
    ) -> None:
        """Create these, several calls at a time; meanwhile the records of ``then`` are read."""
        if not by_table:
            return
        queues = parallel_batches(self.session, by_table, late=False)
        calls = [self._calls_of_queue(queue) for queue in queues]
        # One more queue that only reads, so that the vault is read while calls run.
        reading = (partial(self._read, some) for some in batched(then[:PREFETCH_ROWS], READ_ROWS))
        send_queues(self.session, [*calls, reading])

    def _calls_of_queue(
        self, queue: Iterable[tuple[str, Sequence[PlanStep]]]
    ) -> Iterator[Callable[[], CallOutcome | None]]:
        """The calls of a queue; rows are built when their turn comes."""
        for table, steps in queue:
            if rows := self._sendable(table, self.build(table, steps)):
                yield partial(send_in_queue, self.session, Pass.CREATE, WriteOp.CREATE, table, rows)

    def _read(self, steps: Sequence[PlanStep]) -> None:
        """Read records that are wanted soon into the reader's cache."""
        for _ in self.session.wanted.states(steps):
            pass

    def _sendable(self, table: str, built: Mapping[RecordKey, BuiltRow]) -> list[PreparedRow]:
        """The rows that can be sent; others are refused, or left alone."""
        self._refuse(table, built)
        ready = [key for key, built_row in built.items() if built_row.blocked is None]
        wanted_ids = {key: asked_id(self.session.step(key)) for key in ready}
        away = self._not_to_send(
            table, {key: record for key, record in wanted_ids.items() if record}
        )
        return [
            PreparedRow(
                WriteRow(key.record, wanted_ids[key], built[key].cells), digest=built[key].digest
            )
            for key in ready
            if key not in away
        ]

    def _not_to_send(
        self, table: str, wanted_ids: Mapping[RecordKey, str]
    ) -> Collection[RecordKey]:
        """The records that cannot be created with the ids asked for; their outcomes are written."""
        if table in self.session.log.state.not_kept:
            refusals = [refused(key, outcome_text.IDS_NOT_KEPT) for key in wanted_ids]
            record_without_call(self.session, Pass.CREATE, table, refusals)
            return wanted_ids
        back = live_again(self.session, table, {record: key for key, record in wanted_ids.items()})
        leave(self.session, table, back)
        return back

    def _pending_tables(
        self, by_table: Mapping[str, Sequence[PlanStep]]
    ) -> dict[str, list[PlanStep]]:
        pending = {table: self._pending(steps) for table, steps in by_table.items()}
        return {
            table: self._one_a_file(steps, by_table[table])
            for table, steps in pending.items()
            if steps
        }

    def _build_or_read(self, batch: tuple[str, Sequence[PlanStep]]) -> Mapping[RecordKey, BuiltRow]:
        table, steps = batch
        if table != READ_ONLY:
            return self.build(table, steps)
        self._read(steps)
        return {}

    def _pending(self, steps: Sequence[PlanStep]) -> list[PlanStep]:
        state = self.session.log.state
        return [step for step in steps if state.pending(Pass.CREATE, step.key, most=TRIES)]

    def _batches(self, table: str, steps: Sequence[PlanStep]) -> Sequence[Sequence[PlanStep]]:
        capability = self.session.capability(table)
        if capability.file_column is not None:
            return file_batches(self.session, table, steps)
        return self.session.batches(table, steps)

    def _batch(
        self, table: str, steps: Sequence[PlanStep], built: Mapping[RecordKey, BuiltRow]
    ) -> None:
        ready = self._sendable(table, built)
        if not ready:
            return
        if self.session.capability(table).file_column is None:
            send(self.session, Pass.CREATE, WriteOp.CREATE, table, ready)
            return
        rows = [call.row for call in ready]
        wanted = self.session.wanted.cells(steps)
        if len(steps) > 1:
            send_small(self.session, table, steps, rows, wanted)
        else:
            self._upload(table, steps[0], rows[0], wanted[steps[0].key])

    def link_products(self, steps: Sequence[PlanStep]) -> None:
        """Learn which records the org created with these, all of one table."""
        if steps and self.session.capability(steps[0].table).by_products:
            for at in range(0, len(steps), LINK_BATCH):
                self._link_products(steps[at : at + LINK_BATCH])

    # --- rows --------------------------------------------------------------------------------------

    def build(self, table: str, steps: Sequence[PlanStep]) -> dict[RecordKey, BuiltRow]:
        """The rows of these records, as they would be sent now."""
        described, capability = self.session.table(table), self.session.capability(table)
        built_rows: dict[RecordKey, BuiltRow] = {}
        for states in self.session.wanted.states(steps):
            self.session.links.learn(described.columns, states.rows)
            links, addresses = self.session.links, self.session.addresses
            rows = create_rows(states, described, capability, links, addresses)
            built_rows |= {step.key: row for step, row in zip(states.steps, rows, strict=True)}
        for step in steps:
            self._gather(table, step, built_rows[step.key])
            for name in self.session.later_only(table) if step.copied else ():
                built_rows[step.key].cells.pop(name, None)
        digests = digests_of(described, [built_rows[step.key].values for step in steps])
        for step, digest in zip(steps, digests, strict=True):
            built_rows[step.key].digest = digest
        return {step.key: built_rows[step.key] for step in steps}

    def _gather(self, table: str, step: PlanStep, row: BuiltRow) -> None:
        capability = self.session.capability(table)
        for gather in capability.gathers:
            key = (table, gather.column)
            if key not in self.lists:
                rows = [
                    plan_step
                    for plan_step in self.session.plan.steps
                    if plan_step.table == gather.table
                ]
                self.lists[key] = self.session.wanted.gathered(gather, rows)
            column = self.session.table(gather.table).column(gather.value_column)
            values = [value for _, value in self.lists[key].get(step.record, ())]
            if not values or column is None:
                continue
            cells = [{column.name: value} for value in values]
            self.session.links.prefetch([column], cells)
            live = [self.session.links.resolve(column, named) for named in cells]
            live_ids = list(dict.fromkeys(live_id for live_id in live if isinstance(live_id, str)))
            if live_ids and gather.column in capability.settable:
                row.cells[gather.column] = ";".join(live_ids)

    def _refuse(self, table: str, built: Mapping[RecordKey, BuiltRow]) -> None:
        refusals = [
            refusal(
                key,
                "restore-parent-missing",
                f"The record that {built_row.blocked} refers to could not be restored.",
                "Restore that record first, then retry.",
            )
            for key, built_row in built.items()
            if built_row.blocked is not None
        ]
        record_without_call(self.session, Pass.CREATE, table, refusals)

    # --- files -------------------------------------------------------------------------------------

    def _upload(self, table: str, step: PlanStep, row: WriteRow, wanted: Cells) -> None:
        stored = self.session.wanted.file(step)
        if stored is None and not has_bytes(self._described(table), wanted):
            send(self.session, Pass.CREATE, WriteOp.CREATE, table, [PreparedRow(row)])
            return
        if stored is None:
            record_without_call(self.session, Pass.CREATE, table, [no_file(step.key, NOT_HELD)])
            return
        try:
            self._send_file(table, row, stored, wanted)
        except (IntegrityError, NotFound) as error:
            record_without_call(
                self.session, Pass.CREATE, table, [no_file(step.key, error.sentence)]
            )

    def _send_file(self, table: str, row: WriteRow, stored: StoredFile, wanted: Cells) -> None:
        """Upload; once more if the call was refused before it was accepted."""
        proof = proof_of(self._described(table), wanted)
        try:
            self._send_once(table, row, stored, proof)
        except TransientError as error:
            if error.code != UPLOAD_UNSENT:
                raise
            self._send_once(table, row, stored, proof)

    def _send_once(self, table: str, row: WriteRow, stored: StoredFile, proof: Cells) -> None:
        with self.session.ports.vault.open_file(self.session.plan.org, stored.blob) as body:
            upload(self.session, table, row, body, proof=proof)

    def _described(self, table: str) -> Table:
        return self.session.table(table)

    # --- by-products -------------------------------------------------------------------------------

    def _one_a_file(self, pending: list[PlanStep], steps: Sequence[PlanStep]) -> list[PlanStep]:
        """The pending versions that may go now: of each file that is not there yet, only one.

        The plan sends the first version of a file before the others. If the org refuses it, another one
        must come first: sent together, each would become a file.
        """
        table = pending[0].table
        products = [p for p in self.session.capability(table).by_products if p.reuse]
        if not products or not self._lacks_first(table, pending[0].level):
            return pending
        self.link_products(steps)
        files: dict[RecordKey, set[RecordKey]] = {step.key: set() for step in pending}
        for states in self.session.wanted.states(pending):
            for product in products:
                for step, record in zip(states.steps, states.texts(product.column), strict=True):
                    if record is not None:
                        files[step.key].add(RecordKey(product.table, record))
        now, coming = [], set[RecordKey]()
        for step in pending:
            if not (files[step.key] & coming):
                lost = {file for file in files[step.key] if self.session.links.live(file) is None}
                coming |= lost
                now.append(step)
        return now

    def _lacks_first(self, table: str, level: int) -> bool:
        """True if records of this table were to come before this level, and are not there."""
        return any(
            step.table == table
            and step.level < level
            and step.action.creates
            and self.session.links.live(step.key) is None
            for step in self.session.plan.steps
        )

    def _link_products(self, steps: Sequence[PlanStep]) -> None:
        """Learn which records the org created with these; versions of one file share a document."""
        table = steps[0].table
        for product in self.session.capability(table).by_products:
            old = {
                live: record
                for states in self.session.wanted.states(steps)
                for step, record in zip(states.steps, states.texts(product.column), strict=True)
                if record is not None and (live := self.session.links.live(step.key)) is not None
            }
            unknown = {
                live: record
                for live, record in old.items()
                if self.session.links.live(RecordKey(product.table, record)) is None
            }
            if unknown:
                self._link_product(table, product.table, product.column, unknown)

    def _link_product(self, table: str, product: str, column: str, old: Mapping[str, str]) -> None:
        rows = self.session.ports.writer.fetch(
            self.session.table(table), list(old), columns=[column]
        )
        links = tuple(
            LiveLink(product, old[record], str(cells[column]))
            for record, cells in each(rows)
            if cells[column] is not None
        )
        if links:
            self.session.log.write(RecordsLinked(links))

    # --- after a crash -----------------------------------------------------------------------------

    def rebuilt(self, intent: CallIntent) -> Sequence[WriteRow]:
        """The rows of a call whose answer is missing, as they were sent.

        Raises Conflict (``restore-uncertain``) if they cannot be rebuilt exactly.
        """
        keys = [RecordKey(intent.table, row.record) for row in intent.rows]
        steps = [self.session.step(key) for key in keys]
        wanted = self.session.wanted.cells(steps)
        built = self.build(intent.table, steps)
        table = self.session.table(intent.table)
        for row in intent.rows:
            # Cells other than the sent ones would find nothing, and the rows would be created
            # twice.
            if built[RecordKey(intent.table, row.record)].digest != row.digest:
                raise uncertain(intent, len(intent.rows))
        proof = self.session.capability(intent.table).file_column is not None
        return [
            WriteRow(
                key.record,
                row.id,
                {**built[key].cells, **(proof_of(table, wanted[key]) if proof else {})},
            )
            for key, row in zip(keys, intent.rows, strict=True)
        ]


def _by_table(steps: Iterable[PlanStep]) -> dict[str, list[PlanStep]]:
    plan_steps: dict[str, list[PlanStep]] = {}
    for step in steps:
        plan_steps.setdefault(step.table, []).append(step)
    return plan_steps
