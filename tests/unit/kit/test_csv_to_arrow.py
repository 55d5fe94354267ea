"""CSV bodies: every text kept, every cut noticed, memory bounded."""

import csv
import io
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.kit.csv_to_arrow import (
    BLOCK_BYTES,
    END,
    LARGEST_BLOCK,
    CsvReader,
    RowTooWide,
    _Feed,
    doubled,
)
from unlost.model.errors import IntegrityError, TransientError

HOSTILE = [
    "", "NA", "null", "NaN", "#N/A", "true", "007", "123456789012345678", "1.0E7",
    "a,b", 'say "hi"', '"', '""', "line\nbreak", "line\r\nbreak", "\r", "nul\x00inside",
    "=cmd|' /C calc'!A0", " leading", "naïve 日本 Ωμέγα 🍫", "\ufeffbom", "x" * 200_000, END + "x",
]  # fmt: skip


class Body:
    def __init__(self, data: bytes, size: int = 1 << 16) -> None:
        self.data, self.size = data, size

    def chunks(self) -> Iterator[bytes]:
        return (self.data[at : at + self.size] for at in range(0, len(self.data), self.size))


def written(rows: list[list[str]], *, quoting: int = csv.QUOTE_ALL, end: str = "\n") -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator=end).writerows(rows)
    return out.getvalue().encode()


def read(data: bytes, size: int = 1 << 16, **options: object) -> pa.Table:
    reader = CsvReader(Body(data, size), **options)  # type: ignore[arg-type]
    batches = list(reader.batches())
    assert reader.rows == sum(batch.num_rows for batch in batches)
    assert reader.bytes == len(data)
    return pa.Table.from_batches(batches) if batches else pa.table({})


@pytest.mark.parametrize("size", [1, 11, 1 << 16])
def test_hostile_texts_come_through_untouched(size: int) -> None:
    rows = [[f"id{n}", text, text[::-1]] for n, text in enumerate(HOSTILE[:-2])]
    table = read(written([["Id", "A", "B"], *rows]), size)
    assert table.column("A").to_pylist() == [row[1] or None for row in rows]
    assert table.column("B").to_pylist() == [row[2] or None for row in rows]


def test_a_long_cell_and_a_text_like_the_end_row_come_through() -> None:
    rows = [["1", HOSTILE[-2]], ["2", HOSTILE[-1]]]
    assert read(written([["Id", "A"], *rows])).column("A").to_pylist() == [r[1] for r in rows]


def test_empty_stays_empty_where_the_source_can_tell_it_from_null() -> None:
    table = read(written([["Id", "A"], ["1", ""]]), empty_is_null=False)
    assert table.column("A").to_pylist() == [""]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
def test_both_line_ends_and_both_ways_of_quoting_are_read(end: str, quoting: int) -> None:
    data = written([["Id", "A"], ["1", "x"], ["2", "y\nz"]], quoting=quoting, end=end)
    assert read(data).to_pydict() == {"Id": ["1", "2"], "A": ["x", "y\nz"]}


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    assert CsvReader(Body(b"\xef\xbb\xbf" + written([["Id"], ["1"]]))).columns == ("Id",)


def test_a_header_alone_has_no_rows() -> None:
    assert read(b'"Id","Name"\n').num_rows == 0


def test_an_empty_body_has_no_columns_and_no_rows() -> None:
    reader = CsvReader(Body(b""))
    assert reader.columns == ()
    assert list(reader.batches()) == []


def test_names_equal_but_for_case_and_spaces_stay_apart() -> None:
    table = read(written([["Id", "name", "Name", "two words"], ["1", "a", "b", "c"]]))
    assert table.to_pydict() == {"Id": ["1"], "name": ["a"], "Name": ["b"], "two words": ["c"]}


HEAD = '"Id","A","B"\n'
FIRST = '"1","x","text, with\nlines"\n'
WHOLE = (HEAD + FIRST + '"2","q""q","the last cell"\n').encode()
ROW_ENDS = (len(HEAD), len(HEAD + FIRST))


@pytest.mark.parametrize("cut", [at for at in range(1, len(WHOLE)) if at not in ROW_ENDS])
def test_a_body_cut_anywhere_but_between_rows_is_noticed(cut: int) -> None:
    with pytest.raises(TransientError) as caught:
        list(CsvReader(Body(WHOLE[:cut])).batches())
    assert caught.value.code == "body-cut"


@pytest.mark.parametrize("cut", ROW_ENDS)
def test_a_body_cut_between_rows_has_fewer_rows_than_its_header_announced(cut: int) -> None:
    assert read(WHOLE[:cut]).num_rows < read(WHOLE).num_rows


@given(
    st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), min_size=1, max_size=6),
    st.data(),
)
def test_a_cut_never_yields_more_rows_than_were_whole(
    cells: list[tuple[str, str]], data: st.DataObject
) -> None:
    rows = [[str(n), *(text.replace("\r", "") for text in pair)] for n, pair in enumerate(cells)]
    try:
        body = written([["Id", "A", "B"], *rows])
    except UnicodeEncodeError:
        return
    cut = data.draw(st.integers(min_value=13, max_value=len(body)))
    wanted = [row[0] for row in rows]
    got: list[str] = []
    try:
        for batch in CsvReader(Body(body[:cut])).batches():
            got += batch.column("Id").to_pylist()
    except TransientError:
        pass
    assert got == wanted[: len(got)]


def test_one_column_alone_is_proved_too() -> None:
    body = written([["Id"], ["1"], ["2"]])
    assert read(body).num_rows == 2
    with pytest.raises(TransientError):
        read(body[:-2])


def test_a_row_with_a_cell_too_many_is_an_error_that_quotes_no_cell() -> None:
    with pytest.raises(TransientError) as caught:
        read(b'"Id","A"\n"1","secret","more"\n')
    assert "secret" not in str(caught.value)


def test_text_that_is_not_utf8_is_an_error() -> None:
    with pytest.raises(TransientError):
        read(b'"Id"\n"\xff\xfe"\n')


def test_a_row_larger_than_a_block_asks_for_a_larger_one() -> None:
    body = written([["Id", "A"], ["1", "x" * 50_000], ["2", "y"]])
    with pytest.raises(RowTooWide):
        read(body, block_bytes=8192)
    assert read(body, block_bytes=131_072).num_rows == 2


def test_blocks_double_up_to_a_reasonable_end() -> None:
    assert doubled(BLOCK_BYTES) == 2 * BLOCK_BYTES
    with pytest.raises(IntegrityError):
        doubled(LARGEST_BLOCK)


def test_a_large_body_comes_in_batches_of_about_a_block() -> None:
    body = written([["Id", "A"], *([str(n), "z" * 90] for n in range(30_000))])
    sizes = [b.nbytes for b in CsvReader(Body(body), block_bytes=1 << 18).batches()]
    assert len(sizes) > 5
    assert max(sizes) < 1 << 19


def test_a_slow_reader_lets_only_some_blocks_be_read_ahead() -> None:
    block, ahead = 1 << 14, 40  # Arrow: 32, the one that is parsed, and those around it
    body = Body(written([["Id", "A"], *([str(n), "z" * 90] for n in range(30_000))]), 1 << 12)
    reader = CsvReader(body, block_bytes=block)
    taken = 0
    for batch in reader.batches():
        taken += batch.nbytes
        assert reader.bytes <= taken + ahead * block
    assert reader.bytes == len(body.data) > 3 * ahead * block


def test_an_error_of_the_transport_passes_through_the_parser() -> None:
    class Broken(Body):
        def chunks(self) -> Iterator[bytes]:
            yield self.data
            raise TransientError("body-cut", "cut by the transport")

    with pytest.raises(TransientError, match="cut by the transport"):
        list(CsvReader(Broken(written([["Id"], ["1"]]))).batches())


@pytest.mark.parametrize("asked", [1, 5, 64, 1 << 20])
def test_the_parser_is_never_given_more_than_it_asks_for(asked: int) -> None:
    body = written([["Id", "A"], *([str(n), "text"] for n in range(50))])
    reader = CsvReader(Body(body, 10), block_bytes=64)
    feed = _Feed(reader, reader._blocks())
    assert feed.readable()
    pieces = list(iter(lambda: feed.read(asked), b""))
    assert max(len(piece) for piece in pieces) <= asked
    assert b"".join(pieces).startswith(b'"0","text"\n')
    assert b"".join(pieces).endswith(f'"{END}",""\n'.encode())
    assert reader.bytes == len(body)
    feed.close()
    assert feed.closed


@pytest.mark.parametrize(
    ("said", "kind"),
    [("straddling object straddles two block boundaries", RowTooWide), ("else", TransientError)],
)
def test_what_the_parser_says_is_told_apart(said: str, kind: type[Exception]) -> None:
    reader = CsvReader(Body(b'"Id"\n'))
    assert isinstance(reader._explained(pa.ArrowInvalid(said)), kind)
