"""The pass of an archive: verify, compare, delete, and look what else vanished.

  groups 1-40    read each byte of their files back from the vault, and from the mirror if demanded
                 read the records from the vault and from the org: equal?
                 read the org's changes: did a record come that refers to one of them?
                 delete, details with their masters
  groups 41-90   read the org's changes: did more vanish than was planned? Then stop.
                 …

Records of a group refer to each other. If one of them changed, is gone, or is named by a record that
the vault does not have, the whole group stays. The first turn is small, so that little is deleted
before a surprise is noticed. See docs/adr/0051.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import batched

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.journal.archives import uncommitted
from unlost.engine.restore.journal.entries import CallAnswer, Pass
from unlost.engine.restore.running.calls import (
    TRIES,
    PreparedRow,
    record_without_call,
    send,
    write_intent,
)
from unlost.engine.restore.running.comparison import absent, compared_columns, different
from unlost.engine.restore.running.copies import CopyPlace, faulty_copies
from unlost.engine.restore.running.deletions import details_deleted, source_of
from unlost.engine.restore.running.file_holds import links_of_held_records
from unlost.engine.restore.running.org_watch import OrgWatch, WatchPorts, gaps_of, watched_columns
from unlost.engine.restore.running.passes import staying
from unlost.engine.restore.running.passes.copying import copy_files, discard_copies, discarded_ids
from unlost.engine.restore.running.passes.deleting import close_again
from unlost.engine.restore.running.passes.drafting import make_drafts
from unlost.engine.restore.running.passes.pointing import point
from unlost.engine.restore.running.passes.slicing import delete_in_slices, is_too_large
from unlost.engine.restore.running.second_copy import (
    demands_second_copy,
    mirror_answers,
    open_second_copy,
)
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import States, WantedReader, rows_in_memory
from unlost.engine.restore.values.bin_notes import planned_room
from unlost.engine.restore.values.on_hold import holds_of
from unlost.engine.restore.values.outcome import Ending, RecordOutcome
from unlost.model.errors import IntegrityError, NotFound
from unlost.model.plan import PlanStep, RecordKey
from unlost.model.ports.source import Source
from unlost.model.ports.vault import Vault
from unlost.model.source.reading import Op
from unlost.model.source.schema import Schema, Table, TableTrait
from unlost.model.source.writing import OutcomeKind, RecordQuery, RowOutcome, WriteOp, WriteRow
from unlost.model.vault.snapshot import CommitKind, nights

FIRST_TURN, TURN = (
    200,
    10_000,
)  # records of the first turn, and of later ones, that are deleted together
COPIES = 200  # records of each turn that creates new files: they need storage until it ends
CELLS, BUNDLE_BYTES = 800_000, 12 << 20  # of copies that are compared with one answer
ANNOUNCED = 2_000  # details of an intent: no call has their ids

type Causes = dict[RecordKey, RowOutcome]


def check(session: RestoreSession) -> None:
    """Check, before the first record, the demands of the policy; raises if one is not met.

    LimitReached (``archive-mirror-…``), UsageError (``archive-no-mirror``), NotAllowed
    (``write-no-hard-delete``).
    """
    if not _pending(session, session.plan.steps):
        return
    if demands_second_copy(session):
        open_second_copy(session)
    if _delete_op(session) is WriteOp.HARD_DELETE:
        session.ports.writer.check_hard_delete()


def archive(session: RestoreSession) -> None:
    """Delete the records of the plan, then update their parents."""
    source = source_of(session)
    schema = source.discover()  # also tables and columns that came after the backup
    watch = _watch(session, source, schema)
    if session.log.state.began(Pass.POINT):
        _refuse(session, _pending(session, session.plan.steps), staying.counted)
    _delete_all(session, source, schema, watch)
    close_again(session, session.plan.steps)  # also drafts of a process that ended
    discard_copies(session)
    point(session)
    state = session.log.state
    if state.began(Pass.DISCARD) or state.began(Pass.POINT):  # triggers and flows may act on both
        watch.read()
        _note_surplus(session, watch)


def _delete_all(session: RestoreSession, source: Source, schema: Schema, watch: OrgWatch) -> None:
    """Delete the records of the plan, some groups at a time."""
    for turn in _turns(session.plan.steps, most=COPIES if session.freed_kind else None):
        pending = _pending(session, turn)
        if not pending:
            continue
        causes = _with_new_columns(session, schema, pending)
        causes |= _differing(session, source, pending)
        if _keep_changed(session, watch, pending, causes):
            return
        pending = _pending(session, pending)
        _keep_beyond_room(session, watch, schema, pending)
        if session.freed_kind is not None:
            pending = _pending(session, pending)
            # Uploads take long, and the org goes on changing meanwhile.
            if _keep_changed(session, watch, pending, copy_files(session, pending)):
                return
            _keep_beyond_room(session, watch, schema, _pending(session, pending))
        _keep_groups(session, pending, make_drafts(session, _pending(session, pending)))
        _delete(session, _pending(session, pending))
        close_again(session, turn)
        session.wanted.release()
    watch.read()
    _stopped(session, watch)


def _keep_changed(
    session: RestoreSession, watch: OrgWatch, pending: Sequence[PlanStep], causes: Causes
) -> bool:
    """Keep groups that must stay, also for what the org did meanwhile; true if the run must stop."""
    watch.read()
    if _stopped(session, watch):
        return True
    causes |= _changed_meanwhile(session, watch, pending) | _referred(watch, pending)
    # Last: a hold may be placed while the records are verified.
    causes |= _on_hold(session, pending)
    _keep_groups(session, pending, causes)
    return False


def vanished(session: RestoreSession) -> Iterator[RecordOutcome]:
    """The outcomes of records that are gone although the plan does not name them."""
    planned = {step.key for step in session.plan.steps}  # they have an outcome already
    for key, outcome in session.log.state.results.get(Pass.DELETE, {}).items():
        if outcome.code == staying.VANISHED and key not in planned:
            yield RecordOutcome(
                key.table,
                key.record,
                Ending.FAILED,
                code=staying.VANISHED,
                sentence=outcome.sentence,
                next_step=outcome.next_step,
            )


# --- the run --------------------------------------------------------------------------------------


def _turns(steps: Sequence[PlanStep], *, most: int | None = None) -> Iterator[list[PlanStep]]:
    """Steps that are deleted together: whole groups, small ones first."""
    groups: dict[int, list[PlanStep]] = defaultdict(list)
    for step in steps:
        groups[step.group].append(step)
    turn: list[PlanStep] = []
    size = FIRST_TURN
    for group in sorted(groups.values(), key=len):
        if turn and len(turn) + len(group) > size:
            yield turn
            turn, size = [], most or TURN
        turn += group
    yield turn


def _watch(session: RestoreSession, source: Source, schema: Schema) -> OrgWatch:
    ports, plan = session.ports, session.plan
    planned = _ids(plan.steps)
    links = frozenset(kind.links for kind in ports.shared) | gaps_of(ports.vault, plan.org).keys()
    commits = nights(ports.vault.commits(plan.org))
    backups = [c for c in commits if c.kind is CommitKind.BACKUP and c.number <= plan.snapshot]
    return OrgWatch(
        WatchPorts(source=source, access=ports.writer, clock=ports.clock, links=links),
        ports.vault.at(plan.org, plan.snapshot, forgotten=True),
        schema,
        planned,
        since=backups[-1].as_of,
        # A run may wait for long before its first call. Deletions of that time are by others.
        began=session.log.state.deletes_since or source.server_time(),
        hard=_delete_op(session) is WriteOp.HARD_DELETE,
        settled=lambda key: _is_settled(session, key),
    )


def _ids(steps: Iterable[PlanStep]) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = defaultdict(list)
    for step in steps:
        ids[step.table].append(step.record)
    return ids


def _pending(session: RestoreSession, steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The records without a final outcome; also those that were too large for one call."""
    return [step for step in steps if _is_unsent(session, step) or is_too_large(session, step.key)]


def _is_unsent(session: RestoreSession, step: PlanStep) -> bool:
    return session.log.state.pending(Pass.DELETE, step.key, most=TRIES)


# --- records that stay ----------------------------------------------------------------------------


def _on_hold(session: RestoreSession, steps: Sequence[PlanStep]) -> Causes:
    """The records on legal hold, and erased ones: both may be newer than the plan."""
    now, vault = session.ports.clock.now(), session.ports.vault
    holds = [hold.thing for hold in holds_of(vault, session.plan.org) if hold.lasts(now)]
    causes = {
        key: staying.erased(key) for key in vault.erased(session.plan.org, [s.key for s in steps])
    }
    causes |= {
        key: staying.of_held_record(key) for key in links_of_held_records(session, steps, holds)
    }
    return causes | {
        step.key: staying.on_hold(step.key)
        for step in steps
        if any(hold.covers(step.table, step.record) for hold in holds)
    }


def _with_new_columns(session: RestoreSession, schema: Schema, steps: Sequence[PlanStep]) -> Causes:
    """The records of tables with columns that the copy does not have."""
    causes: Causes = {}
    for name in {step.table for step in steps}:
        now, known = schema.table(name), {*compared_columns(session.table(name))}
        if now is None or not known.issuperset(compared_columns(now)):
            keys = [step.key for step in steps if step.table == name]
            causes |= {key: staying.new_columns(key) for key in keys}
    return causes


def _differing(session: RestoreSession, source: Source, steps: Sequence[PlanStep]) -> Causes:
    """The records that are gone, changed since the copy, or have no complete copy."""
    causes: Causes = {}
    # Files first: it takes long, and the org goes on changing meanwhile.
    for states in _copies(session, steps, causes):
        for key, sentence in _without_copy(session, session.ports.vault, source, states):
            causes[key] = staying.no_copy(key, sentence)
    if demands_second_copy(session):
        causes |= _without_second_copy(session, source, steps)
    for bundle in _bundles(session, _copies(session, steps, {})):
        causes |= _not_as_copied(session, bundle)
    return causes


def _bundles(session: RestoreSession, copies: Iterable[States]) -> Iterator[list[States]]:
    """Copies that are compared with one answer of the org."""
    bundle: list[States] = []
    cells, size = 0, 0
    for states in copies:
        more = len(states.steps) * len(session.table(states.steps[0].table).columns)
        if bundle and (cells + more > CELLS or size + states.rows.nbytes > BUNDLE_BYTES):
            yield bundle
            bundle, cells, size = [], 0, 0
        bundle.append(states)
        cells += more
        size += states.rows.nbytes
    if bundle:
        yield bundle


def _copies(
    session: RestoreSession, steps: Sequence[PlanStep], damaged: Causes
) -> Iterator[States]:
    """The copies of records, as the vault has them; notes those that cannot be read."""
    for part in _parts(session, steps):
        yield from _readable(session.wanted, part, damaged, outcome=staying.damaged)


def _parts(session: RestoreSession, steps: Sequence[PlanStep]) -> Iterator[Sequence[PlanStep]]:
    """Records of one table that are read together."""
    by_table: dict[str, list[PlanStep]] = defaultdict(list)
    for step in steps:
        by_table[step.table].append(step)
    for name, records in by_table.items():
        yield from batched(records, rows_in_memory(session.table(name)))


def _readable(
    wanted: WantedReader,
    steps: Sequence[PlanStep],
    damaged: Causes,
    *,
    outcome: Callable[[RecordKey, IntegrityError | NotFound], RowOutcome],
) -> Iterator[States]:
    try:
        states = list(wanted.states(steps))
    except (IntegrityError, NotFound) as error:  # they are read together
        damaged |= {step.key: outcome(step.key, error) for step in steps}
        return
    yield from states


def _without_copy(
    session: RestoreSession,
    vault: Vault,
    source: Source,
    states: States,
    *,
    place: CopyPlace = CopyPlace.VAULT,
) -> Iterator[tuple[RecordKey, str]]:
    """The records of which a vault lacks a file, and a sentence about it."""
    table = session.table(states.steps[0].table)
    snapshot = vault.at(session.plan.org, session.plan.snapshot, forgotten=True)
    for record, sentence in faulty_copies(vault, snapshot, source, table, states, place=place):
        yield RecordKey(table.name, record), sentence


def _without_second_copy(
    session: RestoreSession, source: Source, steps: Sequence[PlanStep]
) -> Causes:
    """The records that the mirror of the vault does not give back whole."""
    second = open_second_copy(session)
    causes: Causes = {}
    with mirror_answers(session):
        for part in _parts(session, steps):
            for states in _readable(second.wanted, part, causes, outcome=staying.damaged_in_mirror):
                faulty = _without_copy(
                    session, second.vault, source, states, place=CopyPlace.MIRROR
                )
                for key, sentence in faulty:
                    causes[key] = staying.no_second_copy(key, sentence)
    return causes


def _not_as_copied(session: RestoreSession, bundle: Sequence[States]) -> Causes:
    by_table: dict[str, list[States]] = defaultdict(list)
    for states in bundle:
        by_table[states.steps[0].table].append(states)
    tables = {name: session.table(name) for name in by_table}
    answers = session.ports.writer.fetch_several(
        [_query_of(tables[name], copies) for name, copies in by_table.items()]
    )
    causes: Causes = {}
    for (name, copies), fetched in zip(by_table.items(), answers, strict=True):
        for states in copies:
            changed = different(session, tables[name], states, fetched)
            causes |= {key: staying.changed(key) for key in changed}
            causes |= {key: staying.gone(key) for key in absent(states, fetched)}
    return causes


def _query_of(table: Table, copies: Sequence[States]) -> RecordQuery:
    """The query for all records of the copies; their size shows that of the answer."""
    ids = [step.record for states in copies for step in states.steps]
    size = sum(states.rows.nbytes for states in copies)
    return RecordQuery(table, ids, compared_columns(table), size=size)


def _changed_meanwhile(
    session: RestoreSession, watch: OrgWatch, steps: Sequence[PlanStep]
) -> Causes:
    """The records that changed while the others were verified."""
    changed = [step for step in steps if step.key in watch.changes.changed]
    causes: Causes = {}
    for bundle in _bundles(session, _copies(session, changed, causes)):
        causes |= _not_as_copied(session, bundle)
    return causes


def _referred(watch: OrgWatch, steps: Sequence[PlanStep]) -> Causes:
    """The records to which others refer that the vault does not know, or may not know."""
    strangers, closed = watch.unknown_referrers(_ids(steps))
    closed |= watch.changes.unread
    if closed:
        return {step.key: staying.unlooked(step.key, closed) for step in steps}
    if unlisted := watch.changes.unlisted:
        return {step.key: staying.unlisted(step.key, unlisted) for step in steps}
    named = watch.changes.named | strangers
    return {step.key: staying.referred(step.key) for step in steps if step.key in named}


def _keep_groups(
    session: RestoreSession, steps: Sequence[PlanStep], causes: Mapping[RecordKey, RowOutcome]
) -> None:
    """Keep all records of a group of which one must stay."""
    groups = {step.group for step in steps if step.key in causes}
    keeps = [step for step in steps if step.group in groups]
    _refuse(session, keeps, lambda key: causes.get(key) or staying.together(key))


def _keep_beyond_room(
    session: RestoreSession, watch: OrgWatch, schema: Schema, steps: Sequence[PlanStep]
) -> None:
    """Keep the groups that would push records of other people out of the recycle bin.

    The plan names the room as of its backup; others have used some of it since. A plan that says how
    many records it pushes out has no limit: a person ran it with this number before their eyes.
    """
    room = planned_room(session.plan.notes)
    if room is None:
        return
    results = session.log.state.results.get(Pass.DELETE, {})
    entered = (key.table for key, result in results.items() if result.kind is OutcomeKind.DONE)
    free = room - len(watch.changes.binned) - _binned(schema, entered)
    groups: dict[int, list[PlanStep]] = defaultdict(list)
    for step in steps:
        groups[step.group].append(step)
    for group in groups.values():
        needed = _binned(schema, (step.table for step in group))
        if needed > max(free, 0):
            _refuse(session, group, staying.no_room)
        else:
            free -= needed


def _binned(schema: Schema, tables: Iterable[str]) -> int:
    """The number of records, by their tables, that go into the recycle bin."""
    counts = Counter(tables)
    return sum(counts[table.name] for table in schema.tables if table.has(TableTrait.UNDELETE))


def _refuse(
    session: RestoreSession, steps: Sequence[PlanStep], why: Callable[[RecordKey], RowOutcome]
) -> None:
    outcomes: dict[str, list[RowOutcome]] = defaultdict(list)
    for step in steps:
        outcomes[step.table].append(why(step.key))
    for name, of_table in outcomes.items():
        record_without_call(session, Pass.DELETE, name, of_table)


def _stopped(session: RestoreSession, watch: OrgWatch) -> bool:
    """Stop if more vanished than was planned: note it, and keep all that is not deleted yet."""
    results = session.log.state.results.get(Pass.DELETE, {})
    # It stopped before a crash: no record may follow. The surplus of some tables may not be noted.
    before = any(result.code == staying.VANISHED for result in results.values())
    if not _note_surplus(session, watch) and not before:
        return False
    _end_here(session, watch)
    return True


def _end_here(session: RestoreSession, watch: OrgWatch) -> None:
    """Keep all records that are not deleted yet, but note those that left unseen with the surplus."""
    pending = _pending(session, session.plan.steps)
    results = session.log.state.results.get(Pass.DELETE, {})
    stays = [
        step
        for step in session.plan.steps
        if (result := results.get(step.key)) is not None and _is_to_stay(result)
    ]
    gone = _gone_unseen(session, watch, [*pending, *stays])
    unseen = [step for step in (*pending, *stays) if step.key in gone]
    _refuse(session, unseen, staying.vanished)
    _refuse(session, [step for step in pending if step.key not in gone], staying.stopped)


def _gone_unseen(
    session: RestoreSession, watch: OrgWatch, steps: Sequence[PlanStep]
) -> set[RecordKey]:
    """The records that are gone, of tables whose deletions the watch does not read."""
    ids = _ids(step for step in steps if not watch.follows(step.table))
    if not ids:
        return set()
    tables = [watched_columns(session.table(name)) for name in ids]
    answers = source_of(session).live_among(list(zip(tables, ids.values(), strict=True)))
    return {
        RecordKey(name, record)
        for (name, records), live in zip(ids.items(), answers, strict=True)
        for record in records
        if record not in live
    }


def _note_surplus(session: RestoreSession, watch: OrgWatch) -> bool:
    """Note what vanished and was not planned, or not yet; true if there is more than before."""
    results = session.log.state.results.get(Pass.DELETE, {})
    early = watch.changes.vanished | watch.changes.deleted
    # A record that was to stay has an outcome already, and must not vanish either.
    stays = {key for key, result in results.items() if _is_to_stay(result)}
    early = early - discarded_ids(session)
    surplus = _not_archived(session, {key for key in early if key not in results or key in stays})
    noted: dict[str, list[RowOutcome]] = defaultdict(list)
    for key in sorted(surplus, key=str):
        noted[key.table].append(staying.vanished(key))
    for name, outcomes in noted.items():
        record_without_call(session, Pass.DELETE, name, outcomes)
    return bool(surplus)


def _is_settled(session: RestoreSession, key: RecordKey) -> bool:
    """True for a record whose deletion needs no further look: it had its turn and was not to stay."""
    result = session.log.state.result(Pass.DELETE, key)
    return result is not None and not _is_to_stay(result)


def _is_to_stay(result: RowOutcome) -> bool:
    return result.kind is OutcomeKind.FAILED and result.code not in (staying.VANISHED, staying.GONE)


def _not_archived(session: RestoreSession, keys: Collection[RecordKey]) -> set[RecordKey]:
    """The records without those that another archive took away since the copy was made.

    An archive that was parked has not committed its records: its journal names them. Only records of
    its own plan are in there, with a verified copy, and only one archive runs at a time.
    """
    if not keys:
        return set()
    vault, org = session.ports.vault, session.plan.org
    others = _of_open_archives(session)
    keys = [key for key in keys if key not in others]
    newest = vault.at(org, vault.commits(org)[-1].number, forgotten=True)
    surplus: set[RecordKey] = set()
    for table in sorted({key.table for key in keys}):
        ids = [key.record for key in keys if key.table == table]
        archived: set[str] = set()
        if table in newest.tables():
            stored = newest.get(table, ids, columns=[])
            mask = pc.equal(stored["_u_op"].cast(pa.string()), Op.ARCHIVED.value)
            archived = set(stored["_u_id"].filter(mask).to_pylist())
        surplus |= {RecordKey(table, record) for record in ids if record not in archived}
    return surplus


def _of_open_archives(session: RestoreSession) -> set[RecordKey]:
    """The records that other archives deleted, or may have deleted, and have not committed."""
    here = session.log.opened.run
    others = uncommitted(session.ports.vault, session.plan.org, besides=here)
    return {RecordKey(table, record) for table, runs in others.items() for record in runs}


# --- deleting -------------------------------------------------------------------------------------


def _delete(session: RestoreSession, steps: Sequence[PlanStep]) -> None:
    """Delete these records; those that the org deletes along are announced first."""
    details = [step for step in steps if step.because is not None]
    op = _delete_op(session)
    announced = list(_announce(session, op, details))
    masters = [step for step in steps if step.because is None]
    for together in _in_order(session, masters):
        _send(session, op, together)
        delete_in_slices(session, op, together, details)
        _keep_refused_groups(session, masters)
    # Their masters' calls were answered: nothing is under way.
    intents = [session.log.state.open[number] for number in announced]
    for number, done in zip(announced, details_deleted(session, intents), strict=True):
        session.log.write(CallAnswer(number, tuple(done)))
    _refuse(session, _pending(session, details), staying.together)


def _in_order(session: RestoreSession, masters: Sequence[PlanStep]) -> Iterator[list[PlanStep]]:
    """Records of one table and level, in the order of their deletion.

    Files come after the other records of their level: if the org refuses to delete a record, its
    file stays, too.
    """
    files = {kind.table for kind in session.ports.shared}
    levels: dict[tuple[int, bool, str], list[PlanStep]] = defaultdict(list)
    for step in masters:
        levels[-step.level, step.table in files, step.table].append(step)
    for place in sorted(levels):
        yield levels[place]


def _delete_op(session: RestoreSession) -> WriteOp:
    policy = session.plan.selection.policy
    hard = policy is not None and policy.hard_delete
    return WriteOp.HARD_DELETE if hard else WriteOp.DELETE


def _announce(session: RestoreSession, op: WriteOp, details: Sequence[PlanStep]) -> Iterator[int]:
    """Write intents for details; the call that deletes them is that of their master."""
    for name in dict.fromkeys(step.table for step in details):
        of_table = [step for step in details if step.table == name]
        for batch in batched(of_table, ANNOUNCED):
            yield write_intent(session, Pass.DELETE, op, name, _rows(batch))[0]


def _send(session: RestoreSession, op: WriteOp, of_table: Sequence[PlanStep]) -> None:
    name = of_table[0].table
    while pending := [step for step in of_table if _is_unsent(session, step)]:
        for batch in session.batches(name, pending, op=op):
            send(session, Pass.DELETE, op, name, _rows(batch))


def _rows(steps: Iterable[PlanStep]) -> list[PreparedRow]:
    """The rows of a call. The vault has their values, so that the journal needs none."""
    return [PreparedRow(WriteRow(step.record, step.record)) for step in steps]


def _keep_refused_groups(session: RestoreSession, masters: Sequence[PlanStep]) -> None:
    """Keep what remains of groups of which the org refused to delete a record."""
    state = session.log.state
    refused = {step.group for step in masters if state.failure(step.key) is not None}
    remaining = [step for step in _pending(session, masters) if step.group in refused]
    _refuse(session, remaining, staying.together)
