"""Estimate the cost of a plan's run: calls, storage in the org, time. Pure, and rough on
purpose.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil

from unlost.engine.restore.planning.choose import DraftStep
from unlost.model.plan import Action, Estimate, RecordKey
from unlost.model.source.writing import WriteCapability

type Capabilities = Callable[[str], WriteCapability]


def estimate(
    drafts: Sequence[DraftStep], capabilities: Capabilities, files: Mapping[RecordKey, int]
) -> Estimate:
    """The cost of these records; ``files`` are the bytes of records with a file."""
    calls = _calls(drafts, capabilities)
    new = [draft for draft in drafts if draft.is_new or draft.action is Action.UNDELETE]
    data = sum(capabilities(step.key.table).record_bytes or step.facts.bytes for step in new)
    file_bytes = sum(
        files.get(step.key) or _file_in_bin(step)
        for step in new
        if step.action is not Action.BY_PRODUCT
    )
    seconds = seconds_of(calls, capabilities) + sum(
        files.get(step.key, 0) / capabilities(step.key.table).cost.file_bytes_a_second
        for step in new
        if step.action.creates
    )
    return Estimate(calls.total(), data, file_bytes, round(seconds, 1))


def seconds_of(calls: Mapping[str, int], capabilities: Capabilities) -> float:
    """The time of these calls by table, without the bytes of files."""
    # From 0.0: the hash of a plan without calls would change when its seconds are read as a float.
    return sum((n * capabilities(table).cost.seconds for table, n in calls.items()), 0.0)


def _file_in_bin(draft: DraftStep) -> int:
    """The bytes of a file that leaves the bin with its record; the storage must have room again."""
    return (draft.facts.file_bytes or 0) if draft.action is Action.UNDELETE else 0


def _calls(drafts: Sequence[DraftStep], capabilities: Capabilities) -> Counter[str]:
    """Calls by table."""
    written = [draft for draft in drafts if draft.action not in (Action.UNCHANGED, Action.SKIP)]
    creates = [draft for draft in drafts if draft.action.creates]
    undeletes = [draft for draft in drafts if draft.action is Action.UNDELETE]
    calls: Counter[str] = Counter()
    for (table, _), count in _groups(creates).items():
        each_alone = _each_alone(capabilities(table))
        calls[table] += count if each_alone else _cut(capabilities(table), count)
    late = [draft for draft in creates if draft.late or draft.facts.late]
    reopened = [undelete for undelete in undeletes if undelete.late]
    images = [draft for draft in creates if draft.facts.images]
    # Right before each call that creates records with their former ids, these are looked for.
    again = [draft for draft in creates if draft.action is Action.RECREATE]
    for groups in (
        _groups(undeletes),
        _by_table([draft for draft in written if draft.columns]),
        _by_table([*late, *reopened]),
        _by_table(images),
        _by_table(reopened),
        _groups(again),
    ):
        for (table, _), count in groups.items():
            calls[table] += _cut(capabilities(table), count)
    # Records are read before they are written, and read back after it.
    for (table, _), count in _by_table(written).items():
        calls[table] += 2 * ceil(count / capabilities(table).cost.rows_read)
    return calls


def _each_alone(capability: WriteCapability) -> bool:
    return capability.file_column is not None and not capability.small_file


def _groups(drafts: Iterable[DraftStep]) -> Counter[tuple[str, int]]:
    """Records by table and level, which can be sent together."""
    return Counter((draft.key.table, draft.level) for draft in drafts)


def _by_table(drafts: Iterable[DraftStep]) -> Counter[tuple[str, int]]:
    return Counter((draft.key.table, 0) for draft in drafts)


def _cut(capability: WriteCapability, count: int) -> int:
    """The calls that a writer needs for this many rows."""
    large = capability.rows_per_job and count >= capability.job_above
    return ceil(count / (capability.rows_per_job if large else capability.rows_per_call))
