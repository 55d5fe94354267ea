"""Differences between the org and the wanted state: column by column, for many records together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.journal.entries import Pass
from unlost.engine.restore.running.correlate import plain
from unlost.engine.restore.running.passes.lost_images import lost_images
from unlost.engine.restore.running.session import RestoreSession
from unlost.engine.restore.running.wanted import States
from unlost.engine.restore.values.edits import typed_columns
from unlost.engine.restore.values.note_code import NoteCode
from unlost.engine.restore.values.outcome import Difference
from unlost.engine.restore.values.text_images import masked
from unlost.engine.sameness import unequal
from unlost.model.named_records import names_ids, possible_keys
from unlost.model.plan import Action, ActionReason, PlanStep, RecordKey, SelectionKind
from unlost.model.source.schema import Column, Table, WireKind
from unlost.model.source.writing import NeverReason

OVERWRITTEN = "overwritten"  # the org put another value there: a trigger, a default
NOT_IN_ORG = "not-in-org"  # the column no longer exists
NOT_SET = "not-set"  # the plan did not set it; its notes give the reason, or it changed after that
LINK_LOST = "link-lost"  # the referred record did not come back, and the reference is empty
TARGET_MISSING = "target-missing"  # the referred record did not come back; the reference names it
OLD_ADDRESS = "old-address"  # it names a record that got its new id too late
IMAGE_LOST = "image-lost"  # it shows an image that could not be sent again

type Reasons = list[dict[str, str]]
"""For each row, why a column of it differs."""


def compared(
    session: RestoreSession, table: Table, states: States, live: pa.Table
) -> Iterator[tuple[RecordKey, tuple[Difference, ...]]]:
    """The differences of each record; ``live`` has a row for each of the states."""
    should = _expected_columns(session, table, states)
    reasons: Reasons = [{} for _ in states.steps]
    never = {column.column: column.reason.value for column in session.capability(table.name).never}
    emptied = _emptied(session, states.steps, table)
    planned = _planned_empty(session, states.steps)
    targets: list[dict[str, str]] = [{} for _ in states.steps]
    for name in live.column_names:
        if name not in should:
            continue
        nulls = set(_rows(pc.is_null(live.column(name).combine_chunks())))
        lost = _lost(states.rows, name, should[name]) | set(emptied.get(name, ()))
        lost |= nulls.intersection(planned.get(name, ()))
        for row in lost:
            now = live.column(name)[row].as_py()
            named = now is not None and now == states.rows.column(name)[row].as_py()
            reasons[row][name] = TARGET_MISSING if named else LINK_LOST
        for row in lost & nulls:
            targets[row][name] = _target(session, table, states, row, name)
        sent = _image_rows(session, table, states, live, name)
        for row in (row for row, stale in sent.items() if stale):
            reasons[row][name] = IMAGE_LOST
        for row in _rows_differing(table.column(name), live.column(name), should[name]):
            step = states.steps[row]
            if row in sent and _shows_same(
                session, table, live.column(name)[row], should[name][row]
            ):
                continue
            reason = never.get(name) or _difference_reason(session, step, name)
            if _has_old_address(session, table, name, live.column(name)[row], should[name][row]):
                reason = OLD_ADDRESS
            reasons[row].setdefault(name, reason)
    away = [
        wanted_name
        for wanted_name in should
        if wanted_name not in live.column_names and table.column(wanted_name) is None
    ]
    _drop_irrelevant(session, table, states, reasons)
    for name in away:
        for row in _rows(pc.is_valid(should[name])):
            reasons[row][name] = NOT_IN_ORG
    for step, reasons_of_step, targets_of_step in zip(states.steps, reasons, targets, strict=True):
        yield (
            step.key,
            tuple(
                _difference(column, reason, targets_of_step.get(column, ""))
                for column, reason in reasons_of_step.items()
            ),
        )


@lru_cache(maxsize=1_024)
def _difference(column: str, reason: str, target: str) -> Difference:
    """A cached difference: many records share few different ones."""
    return Difference(column, reason, target)


def _target(session: RestoreSession, table: Table, states: States, row: int, name: str) -> str:
    """The record that an empty reference should refer to; "" if an older plan does not name it."""
    planned = session.empty_of(states.steps[row]).get(name)
    column = table.column(name)
    keys = [*possible_keys(column, states.cells(row, column))] if column is not None else []
    if planned is not None or not keys:
        return planned or ""
    links = session.links
    return str(next((key for key in keys if key in links.steps or links.earlier.get(key)), keys[0]))


def _expected_columns(session: RestoreSession, table: Table, states: States) -> dict[str, pa.Array]:
    """The wanted cells with references as they must be now; unknown ones are null."""
    links = session.links
    links.learn(table.columns, states.rows)
    arrays: dict[str, pa.Array] = {}
    for name in states.rows.column_names:
        column, wanted_texts = table.column(name), states.rows.column(name)
        if names_ids(column):
            arrays[name] = links.mapped(column, states.rows)
        else:
            arrays[name] = _readdressed(session, table, name, wanted_texts.combine_chunks())
    return arrays


def _readdressed(session: RestoreSession, table: Table, name: str, texts: pa.Array) -> pa.Array:
    """The texts of a column, with new ids in the addresses within them."""
    links = session.capability(table.name).text_links
    if name not in links.columns:
        return texts
    final = (text and session.addresses.final(text, links) for text in texts.to_pylist())
    return pa.array(final, texts.type)


def _has_old_address(
    session: RestoreSession, table: Table, name: str, live: pa.Scalar, should: pa.Scalar
) -> bool:
    """True if only ids in addresses differ, which the org had to get before they were known."""
    links, text = session.capability(table.name).text_links, live.as_py()
    if name not in links.columns or not text:
        return False
    expected: str | None = should.as_py()
    return session.addresses.final(text, links) == expected


def _image_rows(
    session: RestoreSession, table: Table, states: States, live: pa.Table, name: str
) -> Mapping[int, bool]:
    """Rows whose images went with their record; true if the text still shows one of these."""
    images = session.capability(table.name).text_images
    if name not in images.columns or name not in states.rows.column_names:
        return {}
    texts = states.rows.column(name).combine_chunks()
    shows = pc.fill_null(pc.match_substring_regex(texts, images.address), fill_value=False)
    stale: dict[int, bool] = {}
    for row in _rows(shows):
        lost = lost_images(session, states.steps[row], texts[row].as_py())
        if lost:
            now = live.column(name)[row].as_py() or ""
            stale[row] = any(image.image in now for image in lost)
    return stale


def _shows_same(session: RestoreSession, table: Table, live: pa.Scalar, should: pa.Scalar) -> bool:
    """True if only addresses of images differ: the org stored these images again."""
    images, now, wanted = session.capability(table.name).text_images, live.as_py(), should.as_py()
    return bool(now and wanted) and masked(now, images) == masked(wanted, images)


def _lost(wanted: pa.Table, name: str, should: pa.Array) -> set[int]:
    """Rows whose reference leads to a record that did not come back."""
    lost = pc.and_(pc.is_valid(wanted.column(name).combine_chunks()), pc.is_null(should))
    return set(_rows(lost))


def _rows(mask: pa.BooleanArray) -> list[int]:
    tolist: list[int] = np.flatnonzero(mask.to_numpy(zero_copy_only=False)).tolist()
    return tolist


def _emptied(
    session: RestoreSession, steps: Sequence[PlanStep], table: Table
) -> Mapping[str, list[int]]:
    """Rows of references that the plan created empty because their records do not come back."""
    emptied = session.plan.typed.emptied
    links = {column.name for column in table.columns if column.reference is not None}
    emptied_at: dict[str, list[int]] = defaultdict(list)
    for row, step in enumerate(steps):
        if NoteCode.PARENT_MISSING.value in step.notes:
            for name in links.intersection(n for n, value in step.edits.items() if value is None):
                if (step.table, step.record, name) not in emptied:
                    emptied_at[name].append(row)
    return emptied_at


def _planned_empty(
    session: RestoreSession, steps: Sequence[PlanStep]
) -> Mapping[str, Sequence[int]]:
    """Rows of references that stay empty by the plan."""
    empty_at: dict[str, list[int]] = defaultdict(list)
    for row, step in enumerate(steps):
        for name in session.empty_of(step):
            empty_at[name].append(row)
    return empty_at


def _rows_differing(column: Column | None, live: pa.ChunkedArray, should: pa.Array) -> list[int]:
    """Rows whose cells mean different values; most cells are equal as texts."""
    live_texts = live.combine_chunks()
    rows = _rows(unequal(live_texts, should))
    if not rows:
        return []
    pairs = zip(live_texts.take(rows).to_pylist(), should.take(rows).to_pylist(), strict=True)
    kind = column.kind if column is not None else WireKind.TEXT
    same: dict[tuple[str | None, str | None], bool] = {}
    unlike = []
    for row, pair in zip(rows, pairs, strict=True):
        if pair not in same:  # many records share the same stamps
            same[pair] = plain(kind, pair[0]) == plain(kind, pair[1])
        if not same[pair]:
            unlike.append(row)
    return unlike


def _drop_irrelevant(
    session: RestoreSession, table: Table, states: States, reasons: Reasons
) -> None:
    """Drop differences of existing records in columns that did not have to be restored."""
    narrow = [
        row
        for row, step in enumerate(states.steps)
        if step.action in (Action.UPDATE, Action.UNCHANGED)
    ]
    chosen, emptied = session.plan.selection.columns, session.plan.typed.emptied
    corrects = session.plan.selection.kind is SelectionKind.CORRECTION
    for row in narrow:
        step, reasons_of_step = states.steps[row], reasons[row]
        typed = typed_columns(step, emptied)
        if step.why is ActionReason.SELECTED:
            narrowed = chosen or corrects
            names: Iterable[str] = (*chosen, *typed) if narrowed else tuple(reasons_of_step)
        else:
            names = (*step.columns, *typed, *_links_into_plan(session, table, states, row))
        reasons[row] = {name: reasons_of_step[name] for name in names if name in reasons_of_step}


def _links_into_plan(
    session: RestoreSession, table: Table, states: States, row: int
) -> Iterator[str]:
    """The references of a related record to records of the plan, the reason for its inclusion."""
    for column in table.columns:
        keys = possible_keys(column, states.cells(row, column))
        if any(key in session.links.steps for key in keys):
            yield column.name


def _difference_reason(session: RestoreSession, step: PlanStep, column: str) -> str:
    """The reason why a settable column differs: it was set again since, or never."""
    if step.action is Action.BY_PRODUCT and not was_sent(session, step):
        return OVERWRITTEN if column in step.columns else NeverReason.BY_PLATFORM.value
    created = step.action.creates or step.action is Action.BY_PRODUCT
    sent = created or column in step.columns
    return OVERWRITTEN if sent else NOT_SET


def was_sent(session: RestoreSession, step: PlanStep) -> bool:
    """True for created records, including by-products that the org did not create itself."""
    return session.log.state.result(Pass.CREATE, step.key) is not None
