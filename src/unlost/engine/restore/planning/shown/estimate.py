"""Estimate the cost of a plan's run: calls, storage in the org, time. Pure, and rough on
purpose.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil

from unlost.engine.restore.planning.choose import DraftStep
from unlost.model.plan import Action, Estimate, RecordKey
from unlost.model.source.writing import WriteCapability

READ_ROWS = 500  # records that a call reads, at least
CALL_SECONDS = 0.6  # for a call that writes 200 records without much automation
FILE_BYTES_A_SECOND = 2 << 20

type Capabilities = Callable[[str], WriteCapability]


def estimate(
    drafts: Sequence[DraftStep], capabilities: Capabilities, files: Mapping[RecordKey, int]
) -> Estimate:
    """The cost of these records; ``files`` are the bytes of records with a file."""
    calls = sum(_calls(drafts, capabilities).values())
    new = [draft for draft in drafts if draft.is_new or draft.action is Action.UNDELETE]
    data = sum(capabilities(step.key.table).record_bytes or step.facts.bytes for step in new)
    file_bytes = sum(
        files.get(step.key) or _file_in_bin(step)
        for step in new
        if step.action is not Action.BY_PRODUCT
    )
    sent = sum(files.get(step.key, 0) for step in new if step.action.creates)
    seconds = calls * CALL_SECONDS + sent / FILE_BYTES_A_SECOND
    return Estimate(calls, data, file_bytes, round(seconds, 1))


def _file_in_bin(draft: DraftStep) -> int:
    """The bytes of a file that leaves the bin with its record; the storage must have room again."""
    return (draft.facts.file_bytes or 0) if draft.action is Action.UNDELETE else 0


def _calls(drafts: Sequence[DraftStep], capabilities: Capabilities) -> Counter[str]:
    """Calls by their purpose."""
    written = [draft for draft in drafts if draft.action not in (Action.UNCHANGED, Action.SKIP)]
    creates = [draft for draft in drafts if draft.action.creates]
    undeletes = [draft for draft in drafts if draft.action is Action.UNDELETE]
    calls: Counter[str] = Counter()
    calls["create"] = sum(
        count if _each_alone(capabilities(table)) else _cut(capabilities(table), count)
        for (table, _), count in _groups(creates).items()
    )
    calls["undelete"] = _calls_of(_groups(undeletes), capabilities)
    calls["update"] = _calls_of(_by_table([m for m in written if m.columns]), capabilities)
    late = [draft for draft in creates if draft.late or draft.facts.late]
    reopened = [undelete for undelete in undeletes if undelete.late]
    calls["late"] = _calls_of(_by_table([*late, *reopened]), capabilities)
    calls["images"] = _calls_of(_by_table([c for c in creates if c.facts.images]), capabilities)
    calls["reopen"] = _calls_of(_by_table(reopened), capabilities)
    # Records are read before they are written, and read back after it.
    calls["read"] = 2 * sum(ceil(n / READ_ROWS) for n in _by_table(written).values())
    # Right before each call that creates records with their former ids, these are looked for.
    again = [draft for draft in creates if draft.action is Action.RECREATE]
    calls["look"] = _calls_of(_groups(again), capabilities)
    return calls


def _each_alone(capability: WriteCapability) -> bool:
    return capability.file_column is not None and not capability.small_file


def _groups(drafts: Iterable[DraftStep]) -> Counter[tuple[str, int]]:
    """Records by table and level, which can be sent together."""
    return Counter((draft.key.table, draft.level) for draft in drafts)


def _by_table(drafts: Iterable[DraftStep]) -> Counter[tuple[str, int]]:
    return Counter((draft.key.table, 0) for draft in drafts)


def _calls_of(groups: Counter[tuple[str, int]], capabilities: Capabilities) -> int:
    return sum(_cut(capabilities(table), count) for (table, _), count in groups.items())


def _cut(capability: WriteCapability, count: int) -> int:
    """The calls that a writer needs for this many rows."""
    large = capability.rows_per_job and count >= capability.job_above
    return ceil(count / (capability.rows_per_job if large else capability.rows_per_call))
