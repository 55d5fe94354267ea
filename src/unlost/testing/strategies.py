"""Hypothesis strategies for values that pass through the ports: hostile text, ids, rows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import strategies as st

from unlost.model.source.reading import Op, Rows

EPOCH = datetime(2026, 3, 2, tzinfo=UTC)
# Texts that CSV readers, spreadsheets or number parsers are known to damage.
HOSTILE = (
    "",
    " ",
    "\x00",
    "a\r\nb",
    '"',
    '""",',
    "NA",
    "null",
    "#N/A",
    "=1+1",
    "007",
    "123456789012345678",
    "1.0E7",
    "Größe",
    "チョコ",
    "🍫👩‍👩‍👧",
    "İıß",
)


def texts() -> st.SearchStrategy[str | None]:
    """A cell: null, texts that break parsers, and any other text."""
    # Without lone surrogates (Cs), which UTF-8 cannot encode.
    any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    return st.one_of(st.none(), st.sampled_from(HOSTILE), any_text)


def record_ids() -> st.SearchStrategy[str]:
    """Ids of 18 characters, some of which differ only by case."""
    return st.text("aAbBzZ09", min_size=3, max_size=3).map(lambda end: "001000000000000" + end)


def rows(
    columns: Sequence[str], *, ids: st.SearchStrategy[str] | None = None, most: int = 8
) -> st.SearchStrategy[Rows]:
    """A batch of states and full-row deletes, each id at most once."""
    cells = st.tuples(*(texts() for _ in columns))
    row = st.tuples(
        st.sampled_from([Op.STATE.value, Op.STATE.value, Op.DELETED.value]),
        st.integers(0, 10**6).map(lambda seconds: EPOCH + timedelta(seconds=seconds)),
        cells,
    )
    table = st.dictionaries(ids if ids is not None else record_ids(), row, max_size=most)
    return table.map(lambda by_id: _rows(columns, by_id))


def _rows(
    columns: Sequence[str], by_id: dict[str, tuple[str, datetime, tuple[str | None, ...]]]
) -> Rows:
    states = list(by_id.values())
    cells = {
        name: pa.array([values[at] for _, _, values in states], pa.string())
        for at, name in enumerate(columns)
    }
    return Rows(
        pa.array(list(by_id), pa.string()),
        pa.array([op for op, _, _ in states], pa.string()),
        pa.array([at for _, at, _ in states], pa.timestamp("ms", tz="UTC")),
        pa.nulls(len(states), pa.string()),
        pa.RecordBatch.from_pydict(cells),
        EPOCH,
    )
