"""Rendering: cells verbatim, offsets right, pages cut at any row, gzip of the same text."""

import csv
import gzip
import io

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost_simulators.salesforce.bulk import pages
from unlost_simulators.salesforce.bulk.pages import GzipPages, PageSizes, cut, starts
from unlost_simulators.salesforce.bulk.render import CsvForm, Delimiter, LineEnding, load, render
from unlost_simulators.salesforce.bulk.results import ResultCache, ResultKey
from unlost_simulators.salesforce.model.errors import SalesforceError

AWKWARD = [
    ("plain", "1"),
    (None, ""),
    ('say "hello"', '"'),
    ('""', '","'),
    ("line\nbreak", "carriage\r\nreturn"),
    ("nul\0inside", "\0"),
    ("żółw 巧克力 🍫", "=cmd|' /C calc'!A0"),
    ("NA", "#N/A"),
    (" lead and trail ", "x" * 131_072),
]


def table_of(rows: list[tuple[str | None, str | None]]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t (n INTEGER, a VARCHAR, b VARCHAR)")
    for number, (first, second) in enumerate(rows):
        connection.execute("INSERT INTO t VALUES (?, ?, ?)", [number, first, second])
    return connection


SQL = 'SELECT a AS "A", b AS "B.Name" FROM t ORDER BY n'


def rendered(tmp_path, rows, form=None, name="result"):
    connection = table_of(rows)
    return render(
        connection,
        SQL,
        headers=["A", "B.Name"],
        form=form or CsvForm(),
        folder=tmp_path / name,
    )


def expected_text(rows, delimiter=",", end="\n") -> bytes:
    def cell(value):
        return '"' + (value or "").replace('"', '""') + '"'

    return "".join(f"{cell(a)}{delimiter}{cell(b)}{end}" for a, b in rows).encode()


def test_cells_are_verbatim(tmp_path) -> None:
    result = rendered(tmp_path, AWKWARD)
    assert result.header == b'"A","B.Name"\n'
    assert result.data.read_bytes() == expected_text(AWKWARD)
    assert result.rows == len(AWKWARD)


def test_an_independent_reader_gets_the_cells_back(tmp_path) -> None:
    result = rendered(tmp_path, AWKWARD)
    csv.field_size_limit(1 << 20)
    text = (result.header + result.data.read_bytes()).decode()
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[0] == ["A", "B.Name"]
    assert read[1:] == [[a or "", b or ""] for a, b in AWKWARD]


@pytest.mark.parametrize("delimiter", list(Delimiter))
@pytest.mark.parametrize("ending", list(LineEnding))
def test_every_delimiter_and_row_end(tmp_path, delimiter, ending) -> None:
    result = rendered(tmp_path, AWKWARD, CsvForm(delimiter, ending))
    assert result.data.read_bytes() == expected_text(AWKWARD, delimiter.char, ending.chars)
    assert result.header.endswith(ending.chars.encode())


def test_offsets_point_at_row_starts_over_many_batches(tmp_path) -> None:
    connection = duckdb.connect()
    folder = tmp_path / "many"
    sql = "SELECT i::VARCHAR, repeat('x', (i % 7)::INT) FROM range(50000) r(i)"
    result = render(connection, sql, headers=["I", "X"], form=CsvForm(), folder=folder)
    text = result.data.read_bytes()
    assert result.rows == 50_000
    assert result.size == len(text)
    for row in (0, 1, 8191, 8192, 20_000, 49_999):
        start, end = int(result.offsets[row]), int(result.offsets[row + 1])
        assert text[start:end] == f'"{row}","{"x" * (row % 7)}"\n'.encode()
    assert bool(np.all(np.diff(result.offsets) > 0))


def test_no_rows(tmp_path) -> None:
    result = rendered(tmp_path, [])
    assert (result.rows, result.size) == (0, 0)
    assert cut(result, 0, limit=None, sizes=PageSizes()).last
    assert starts(result, 0, sizes=PageSizes(), count=5) == ([0], 1)


@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.text(st.characters(exclude_categories=["Cs"])),
            st.none() | st.text(alphabet='a",\n\r\0'),
        ),
        max_size=8,
    )
)
def test_any_text_survives(tmp_path_factory, rows) -> None:
    result = rendered(tmp_path_factory.mktemp("any"), rows)
    assert result.data.read_bytes() == expected_text(rows)


def test_pages_cover_all_rows_once(tmp_path) -> None:
    result = rendered(tmp_path, AWKWARD)
    sizes = PageSizes(rows=4, max_bytes=1 << 30)
    row, seen = 0, []
    while True:
        page = cut(result, row, limit=3, sizes=sizes)
        seen += range(page.start, page.end)
        if page.last:
            break
        row = page.end
    assert seen == list(range(len(AWKWARD)))


def test_pages_are_bounded_by_bytes_but_hold_one_row(tmp_path) -> None:
    result = rendered(tmp_path, AWKWARD)
    sizes = PageSizes(rows=100, max_bytes=100)
    first = cut(result, 0, limit=None, sizes=sizes)
    assert 1 <= first.rows < len(AWKWARD)
    assert int(result.offsets[first.end]) <= 100
    giant = cut(result, len(AWKWARD) - 1, limit=None, sizes=sizes)
    assert (giant.rows, giant.last) == (1, True)


def test_result_page_starts(tmp_path) -> None:
    result = rendered(tmp_path, AWKWARD)
    sizes = PageSizes(rows=2)
    assert starts(result, 0, sizes=sizes, count=3) == ([0, 2, 4], 6)
    assert starts(result, 6, sizes=sizes, count=5)[0] == [6, 8]


def test_gzip_page_is_one_member_of_the_same_text(tmp_path) -> None:
    result = rendered(tmp_path, AWKWARD)
    page = cut(result, 2, limit=3, sizes=PageSizes())
    packed = GzipPages()
    path = packed.file(result, page)
    assert gzip.decompress(path.read_bytes()) == result.header + expected_text(AWKWARD[2:5])
    stamp = path.stat().st_mtime_ns
    assert packed.file(result, page) == path
    assert path.stat().st_mtime_ns == stamp


def test_locators_are_opaque_and_belong_to_a_job() -> None:
    text = pages.locator("750Dn0000000001IAA", 50_000)
    assert "=" not in text
    assert pages.row_of("750Dn0000000001IAA", text) == 50_000
    for wrong in (text[:-3], "%%%", "", pages.locator("750Dn0000000002IAA", 1)):
        with pytest.raises(SalesforceError) as caught:
            pages.row_of("750Dn0000000001IAA", wrong)
        assert (caught.value.status, caught.value.code) == (400, "INVALID_QUERY_LOCATOR")


def test_a_result_is_rendered_once_for_each_revision(tmp_path) -> None:
    cache = ResultCache(tmp_path)
    connection = table_of(AWKWARD[:2])
    opened = []

    def connect() -> duckdb.DuckDBPyConnection:
        opened.append(1)
        return connection

    key = ResultKey(SQL, ("A", "B.Name"), CsvForm(), "1")
    assert cache.get(key, connect).rows == 2
    assert cache.get(key, connect).rows == 2
    assert len(opened) == 1
    connection.execute("INSERT INTO t VALUES (9, 'new', 'row')")
    later = ResultKey(SQL, ("A", "B.Name"), CsvForm(), "2")
    assert cache.get(later, connect).rows == 3
    assert load(tmp_path / key.name()).rows == 2


def test_old_results_make_room_unless_a_job_holds_them(tmp_path) -> None:
    cache = ResultCache(tmp_path, max_bytes=0)
    connection = table_of(AWKWARD[:2])
    keys = [ResultKey(SQL, ("A", "B.Name"), CsvForm(), str(n)) for n in range(4)]
    held = cache.get(keys[0], lambda: connection).folder
    cache.in_use = lambda: {held}
    for key in keys[1:]:
        cache.get(key, lambda: connection)
    assert {each.name for each in tmp_path.iterdir()} == {keys[0].name(), keys[3].name()}


def test_a_rendering_that_broke_is_repeated(tmp_path) -> None:
    cache = ResultCache(tmp_path)
    key = ResultKey(SQL, ("A", "B.Name"), CsvForm(), "1")
    with pytest.raises(duckdb.Error):
        cache.get(key, duckdb.connect)
    assert cache.get(key, lambda: table_of(AWKWARD[:1])).rows == 1
