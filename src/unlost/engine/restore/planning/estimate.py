"""What the run of a plan will cost: calls, room in the org, time. Pure, and rough on purpose."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil

from unlost.engine.restore.planning.choose import DraftStep
from unlost.model.plan import Action, Estimate, RecordKey
from unlost.model.writing import WriteCapability

READ_ROWS = 500  # records that a call reads, at least
CALL_SECONDS = 0.6  # of a call that writes 200 records without much automation
FILE_BYTES_A_SECOND = 2 << 20

type Capabilities = Callable[[str], WriteCapability]


def estimate(
    drafts: Sequence[DraftStep], capabilities: Capabilities, files: Mapping[RecordKey, int]
) -> Estimate:
    """The cost of these records; ``files`` are the bytes of those that have a file."""
    calls = sum(_calls(drafts, capabilities).values())
    new = [made for made in drafts if made.comes_anew or made.action is Action.UNDELETE]
    data = sum(capabilities(made.key.table).record_bytes or made.facts.bytes for made in new)
    file_bytes = sum(files.get(made.key, 0) for made in new if made.action is not Action.BY_PRODUCT)
    seconds = calls * CALL_SECONDS + file_bytes / FILE_BYTES_A_SECOND
    return Estimate(calls, data, file_bytes, round(seconds, 1))


def _calls(drafts: Sequence[DraftStep], capabilities: Capabilities) -> Counter[str]:
    """Calls by what they do."""
    written = [made for made in drafts if made.action not in (Action.UNCHANGED, Action.SKIP)]
    creates = [made for made in drafts if made.action is Action.CREATE]
    undeletes = [made for made in drafts if made.action is Action.UNDELETE]
    found: Counter[str] = Counter()
    found["create"] = sum(
        count if _each_alone(capabilities(table)) else _cut(capabilities(table), count)
        for (table, _), count in _groups(creates).items()
    )
    found["undelete"] = _calls_of(_groups(undeletes), capabilities)
    found["update"] = _calls_of(_by_table([m for m in written if m.columns]), capabilities)
    late = [made for made in creates if made.late or made.facts.late]
    reopened = [made for made in undeletes if made.late]
    found["late"] = _calls_of(_by_table([*late, *reopened]), capabilities)
    found["reopen"] = _calls_of(_by_table(reopened), capabilities)
    found["read"] = 2 * sum(ceil(n / READ_ROWS) for n in _by_table(written).values())
    return found


def _each_alone(capability: WriteCapability) -> bool:
    return capability.file_column is not None and not capability.small_file


def _groups(drafts: Iterable[DraftStep]) -> Counter[tuple[str, int]]:
    """Records by table and level: what can go out together."""
    return Counter((made.key.table, made.level) for made in drafts)


def _by_table(drafts: Iterable[DraftStep]) -> Counter[tuple[str, int]]:
    return Counter((made.key.table, 0) for made in drafts)


def _calls_of(groups: Counter[tuple[str, int]], capabilities: Capabilities) -> int:
    return sum(_cut(capabilities(table), count) for (table, _), count in groups.items())


def _cut(capability: WriteCapability, count: int) -> int:
    """The calls that a writer needs for so many rows."""
    large = capability.rows_per_job and count >= capability.job_above
    return ceil(count / (capability.rows_per_job if large else capability.rows_per_call))
