"""Live records that took the place of lost ones: people created them again, with the same key."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from unlost.engine.restore.planning.facts import LiveStanding, RecordFacts
from unlost.engine.restore.planning.graph.related import PlannedRecordSet
from unlost.engine.restore.planning.survey import FETCH_IDS, chunks
from unlost.engine.restore.values.keys import Values, find_apart
from unlost.model.plan import RecordKey
from unlost.model.source.reading import Op
from unlost.model.source.writing import MatchKey


@dataclass(slots=True)
class LiveTwins:
    """``live``: the twin of a record. ``taken``: another record has the key, or will have it.

    ``many``: several live records share it, so the twin is ambiguous.
    """

    live: dict[RecordKey, str] = field(default_factory=dict)
    taken: set[RecordKey] = field(default_factory=set)
    many: set[RecordKey] = field(default_factory=set)


def find_twins(records: PlannedRecordSet) -> LiveTwins:
    """The twins of all lost records that have a unique or natural key."""
    twins = LiveTwins()
    by_match: dict[tuple[str, MatchKey], dict[Values, RecordKey]] = {}
    for member in records.members.values():
        for key, values in _keys(records, member.facts):
            mine = by_match.setdefault((member.facts.key.table, key), {})
            # Of two lost records with one key only the first can have it again.
            if mine.setdefault(values, member.facts.key) != member.facts.key:
                twins.taken.add(member.facts.key)
    for (table, key), wanted in by_match.items():
        _query_twins(records, table, key, wanted, twins)
    _drop_coexisting(records, twins)
    return twins


def _keys(records: PlannedRecordSet, facts: RecordFacts) -> Iterator[tuple[MatchKey, Values]]:
    """The keys that a live record can have: their references are to live records."""
    if facts.standing is LiveStanding.LIVE or not facts.whole:
        return
    for key, values in facts.keys:
        mapped = [
            _mapped(records, facts, column, value)
            for column, value in zip(key.columns, values, strict=True)
        ]
        known = tuple(value for value in mapped if value is not None)
        if len(known) == len(values):
            yield key, known


def _mapped(records: PlannedRecordSet, facts: RecordFacts, column: str, value: str) -> str | None:
    """The value as the org would have it now; None if it refers to a lost record."""
    if column not in facts.references:
        return value
    target = records.target(facts, column)
    member = records.members.get(target)
    if member is None or member.facts.beside:
        return records.outside_ids.get(target, value)
    return member.facts.live if member.facts.standing is LiveStanding.LIVE else None


def _query_twins(
    records: PlannedRecordSet,
    name: str,
    key: MatchKey,
    wanted: Mapping[Values, RecordKey],
    twins: LiveTwins,
) -> None:
    table = records.survey.table(name)
    for values in chunks(sorted(wanted), FETCH_IDS):
        live, many = find_apart(records.survey.ports.writer, table, key, values)
        twins.many.update(wanted[shared_values] for shared_values in many)
        for value, record in live.items():
            twins.live.setdefault(wanted[value], record)


def _drop_coexisting(records: PlannedRecordSet, twins: LiveTwins) -> None:
    """Drop live records that existed beside the lost one as separate records: they are no twins.

    That holds for any id that they had then: they may have come back since. A live
    record that represents another record of the plan is no twin either, and a record that comes as a
    new one has none.
    """
    own_keys = {
        key
        for key, live in twins.live.items()
        if records.known(RecordKey(key.table, live)) is not None
        or live == key.record
        or records.members[key].facts.beside
    }
    own_keys |= set(_alive_beside(records, twins))
    twins.taken |= own_keys
    twins.live = {
        key: live for key, live in twins.live.items() if key not in twins.taken | twins.many
    }


def _alive_beside(records: PlannedRecordSet, twins: LiveTwins) -> Iterator[RecordKey]:
    groups: dict[tuple[int, str], defaultdict[str, list[RecordKey]]] = {}
    for key, live in twins.live.items():
        number = records.members[key].facts.snapshot
        keys = groups.setdefault((number, key.table), defaultdict(list))
        for life in records.survey.lives(RecordKey(key.table, live)):
            keys[life].append(key)
    for (number, table), keys in groups.items():
        for chunk in chunks(sorted(keys), FETCH_IDS):
            for life in _alive(records, number, table, chunk):
                yield from keys[life]


def _alive(records: PlannedRecordSet, number: int, table: str, ids: Sequence[str]) -> Iterable[str]:
    rows = records.survey.snapshot(number).get(table, ids, columns=[])
    pairs = zip(rows["_u_id"].to_pylist(), rows["_u_op"].to_pylist(), strict=True)
    return [record for record, op in pairs if op == Op.STATE.value]
