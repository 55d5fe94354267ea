"""Archive policies in words."""

from collections.abc import Iterator

from unlost.cli.text import many, plain
from unlost.model.archive import ArchivePolicy, Comparison, Condition


def policy_lines(policy: ArchivePolicy) -> Iterator[str]:
    """Yield the lines that describe a policy."""
    tests = ", ".join(map(condition_words, policy.conditions))
    yield plain(f"select {policy.table} with {tests}")
    for branch in policy.branches:
        tests = ", ".join(map(condition_words, branch.conditions))
        tests = f" with {tests}" if tests else ""
        yield plain(f"{branch.rule.value} {branch.table} by {branch.column}{tests}")
    if policy.unchanged_days:
        yield f"only unchanged for {many(policy.unchanged_days, 'day')}"
    if policy.unreferenced:
        yield "only if no other record refers to them"
    if policy.order is not None:
        yield f"{policy.order.value} first"
    if policy.second_copy:
        yield "only with a second copy in the mirror"
    if policy.hard_delete:
        yield "delete without the recycle bin"
    if policy.frees_versions:
        yield "free the old versions of these files"
    if policy.pointer is not None:
        columns = ", ".join(filter(None, (policy.pointer.count, policy.pointer.link)))
        yield plain(f"update the records in {policy.pointer.column}: {columns}")
    if policy.include:
        yield plain(f"include {', '.join(policy.include)}")
    if policy.keep_days:
        yield f"keep the archived records for {many(policy.keep_days, 'day')}"


def condition_words(test: Condition) -> str:
    """Return a condition in words."""
    match test.comparison:
        case Comparison.OLDER:
            return f"{test.column} older than {many(test.days, 'day')}"
        case Comparison.BETWEEN:
            return f"{test.column} from {' to '.join(test.values)}"
        case Comparison.SAME:
            return f"{test.column} the same as {' or '.join(test.values)}"
        case Comparison.LARGER:
            return f"{test.column} above {test.number:,.15g}"
        case Comparison.EMPTY | Comparison.FILLED:
            return f"{test.column} {test.comparison.value}"
        case Comparison.IS:
            return f"{test.column} {' or '.join(test.values)}"
        case Comparison.STARTS:
            return f"{test.column} starts with {' or '.join(test.values)}"
        case Comparison.IS_NOT:
            return f"{test.column} not {' or '.join(test.values)}"
