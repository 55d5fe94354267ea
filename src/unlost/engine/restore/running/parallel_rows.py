"""Group records that may be written at the same time. Pure, except for reading wanted states.

An org locks the records that a row refers to while it writes the row, and refuses calls that wait
too long: records that refer to the same one are written one after another, all others may be
written at the same time. See docs/adr/0019.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence

from unlost.engine.restore.running.session import RestoreSession
from unlost.model.plan import PlanStep, RecordKey

type Locks = set[str]
"""The locks that a record takes while it is written."""


def distribute_rows(
    rows: Sequence[Collection[Hashable]], *, most: int, full: int
) -> list[list[int]]:
    """Indexes of rows in at most ``most`` queues; rows that share a mark stand in one, in order.

    A queue holds a multiple of ``full`` rows if possible, so that calls are full.
    """
    calls = -(-len(rows) // full)
    count = min(most, calls)
    capacity = [full * (calls // count + (at < calls % count)) for at in range(count)]
    parts: list[list[int]] = [[] for _ in range(count)]
    # The largest first, as in bin packing: small groups fill the gaps.
    for group in sorted(_groups(rows), key=len, reverse=True):
        fits = (at for at in range(count) if capacity[at] >= len(group))
        queue = next(fits, None)
        # A group larger than the capacity of any queue goes where most is left: it must not be split.
        queue = max(range(count), key=capacity.__getitem__) if queue is None else queue
        parts[queue] += group
        capacity[queue] -= len(group)
    return [sorted(part) for part in parts if part]


def _groups(rows: Sequence[Collection[Hashable]]) -> list[list[int]]:
    """Indexes of rows that are connected by their marks."""
    above = list(range(len(rows)))

    def top(at: int) -> int:
        while above[at] != at:
            # Path halving keeps the union-find trees flat.
            above[at] = above[above[at]]
            at = above[at]
        return at

    first: dict[Hashable, int] = {}
    for at, marks in enumerate(rows):
        for mark in marks:
            above[top(at)] = top(first.setdefault(mark, at))
    groups: dict[int, list[int]] = {}
    for at in range(len(rows)):
        groups.setdefault(top(at), []).append(at)
    return list(groups.values())


def parallel_batches(
    session: RestoreSession, by_table: Mapping[str, Sequence[PlanStep]], *, late: bool
) -> list[list[tuple[str, Sequence[PlanStep]]]]:
    """The steps as queues of calls. ``late``: references are set on existing records."""
    capabilities = [session.capability(table) for table in by_table]
    steps = [step for plan_steps in by_table.values() for step in plan_steps]
    marks = {
        key: row_marks
        for t, plan_steps in by_table.items()
        for key, row_marks in _marks(session, t, plan_steps, late=late)
    }
    parts = distribute_rows(
        [marks[step.key] for step in steps],
        most=min(capability.calls_at_once for capability in capabilities),
        full=min(capability.rows_per_call for capability in capabilities),
    )
    return [list(_calls(session, [steps[at] for at in queue])) for queue in parts]


def _calls(
    session: RestoreSession, steps: Sequence[PlanStep]
) -> Iterator[tuple[str, Sequence[PlanStep]]]:
    for table in dict.fromkeys(step.table for step in steps):
        plan_steps = [step for step in steps if step.table == table]
        size = session.capability(table).rows_per_call
        for at in range(0, len(plan_steps), size):
            yield table, plan_steps[at : at + size]


def _marks(
    session: RestoreSession, table: str, steps: Sequence[PlanStep], *, late: bool
) -> Iterator[tuple[RecordKey, Locks]]:
    capability = session.capability(table)
    columns = sorted(capability.locks & (capability.changeable if late else capability.settable))
    for states in session.wanted.states(steps):
        texts_by_name = [(name, states.texts(name)) for name in columns]
        for at, step in enumerate(states.steps):
            marked = {texts[at] for name, texts in texts_by_name if (name in step.late) is late}
            yield step.key, {mark for mark in marked if mark} | ({step.record} if late else set())
