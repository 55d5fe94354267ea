"""Records that are created with a file: large files alone, small ones with the rows of a call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.calls import PreparedRow, record_without_call, refusal, send
from unlost.engine.restore.running.session import RestoreSession
from unlost.model.errors import IntegrityError, NotFound
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.source.schema import Table
from unlost.model.source.writing import RowOutcome, WriteOp, WriteRow
from unlost.model.vault.snapshot import StoredFile

NOT_HELD = "The vault does not have the content of this file."

type Cells = Mapping[str, str | None]


def file_batches(
    session: RestoreSession, table: str, steps: Sequence[PlanStep]
) -> Sequence[Sequence[PlanStep]]:
    """The records of each call; one whose file is large, or may be, gets a separate call."""
    capability = session.capability(table)
    if not capability.small_file:
        return [[step] for step in steps]
    stored = session.wanted.files(steps)
    batches: list[list[PlanStep]] = []
    plan_steps: list[PlanStep] = []
    total = 0
    for step in steps:
        size = stored[step.key].size if step.key in stored else 0
        if size > capability.small_file:
            batches.append([step])
            continue
        full = (
            len(plan_steps) == capability.rows_per_call or total + size > capability.files_per_call
        )
        if plan_steps and full:
            batches.append(plan_steps)
            plan_steps, total = [], 0
        plan_steps.append(step)
        total += size
    return [*batches, plan_steps] if plan_steps else batches


def send_small(
    session: RestoreSession,
    table: str,
    steps: Sequence[PlanStep],
    rows: Sequence[WriteRow],
    wanted: Mapping[RecordKey, Cells],
) -> None:
    """Create these records with their small files in one call."""
    stored = session.wanted.files(steps)
    bodies = _bodies(session, stored.values())
    ready: list[PreparedRow] = []
    missing: list[RowOutcome] = []
    for row in rows:
        key = RecordKey(table, row.key)
        prepared = _ready(session, row, key, stored.get(key), wanted[key], bodies)
        if isinstance(prepared, RowOutcome):
            missing.append(prepared)
        else:
            ready.append(prepared)
    record_without_call(session, Pass.CREATE, table, missing)
    if ready:
        send(session, Pass.CREATE, WriteOp.CREATE, table, ready)


def _ready(
    session: RestoreSession,
    row: WriteRow,
    key: RecordKey,
    stored: StoredFile | None,
    wanted: Cells,
    bodies: Mapping[str, bytes],
) -> PreparedRow | RowOutcome:
    described = session.table(key.table)
    if stored is None:
        return no_file(key, NOT_HELD) if has_bytes(described, wanted) else PreparedRow(row)
    try:
        data = bodies.get(stored.blob)
        body = _body(session, stored) if data is None else data
    except (IntegrityError, NotFound) as error:
        return no_file(key, error.sentence)
    return PreparedRow(replace(row, file=body), proof=proof_of(described, wanted))


def _bodies(session: RestoreSession, stored: Iterable[StoredFile]) -> Mapping[str, bytes]:
    """The bytes of all files; none if one of them cannot be read: then each is read alone."""
    try:
        return session.ports.vault.read_files(session.plan.org, {file.blob for file in stored})
    except (IntegrityError, NotFound):
        return {}


def _body(session: RestoreSession, stored: StoredFile) -> bytes:
    with session.ports.vault.open_file(session.plan.org, stored.blob) as body:
        return body.read()


def proof_of(table: Table, wanted: Cells) -> dict[str, str | None]:
    """The values that identify a file in the org: its hash and size."""
    columns = [
        name
        for file in table.files
        for name in (file.checksum_column, file.size_column)
        if name is not None
    ]
    return {name: wanted.get(name) for name in columns}


def has_bytes(table: Table, wanted: Cells) -> bool:
    """False for a record of this table that is only a link: its row has a size of zero or none."""
    sizes = [wanted.get(file.size_column) for file in table.files if file.size_column is not None]
    return not sizes or any(size not in (None, "0") for size in sizes)


def no_file(key: RecordKey, sentence: str) -> RowOutcome:
    """The outcome of a record that cannot be created without its file."""
    return refusal(
        key,
        "restore-file-missing",
        sentence,
        "Run `unlost verify --level full`. You can create the record without its file by hand.",
    )
