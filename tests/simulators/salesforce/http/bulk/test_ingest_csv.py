"""Uploads as files: any cells in any form come back, and what is no CSV says why."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost_simulators.salesforce.bulk.ingest_csv import (
    MAX_CELL,
    MAX_COLUMNS,
    BatchRefused,
    index,
)
from unlost_simulators.salesforce.bulk.ingest_run import batches, turns
from unlost_simulators.salesforce.bulk.render import CsvForm, Delimiter, LineEnding

FORMS = st.builds(CsvForm, st.sampled_from(Delimiter), st.sampled_from(LineEnding))
CELL = st.text(alphabet='ab ,;|^`\t"\r\n\0é🍫#', max_size=6)


@st.composite
def uploads(draw) -> tuple[CsvForm, list[str], list[list[str]], bytes]:
    """A form, a header, rows, and their text with as few or as many quotes as chance wants."""
    form, width = draw(FORMS), draw(st.integers(1, 4))
    header = [f"F{at}" for at in range(width)]
    rows = draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=5))
    special = {form.delimiter.char, '"', "\r", "\n"}

    def write(cell: str) -> str:
        if special & set(cell) or draw(st.booleans()):
            return '"' + cell.replace('"', '""') + '"'
        return cell

    lines = [form.delimiter.char.join(map(write, row)) for row in [header, *rows]]
    end = form.line_ending.chars
    last = end if draw(st.booleans()) else ""
    return form, header, rows, (end.join(lines) + last).encode()


@given(upload=uploads())
def test_whatever_is_uploaded_is_read_as_it_was_meant(upload) -> None:
    form, header, rows, data = upload
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.csv"
        path.write_bytes(data)
        found = index(path, form)
        assert found.header == header
        kept = [row for row in rows if row != [""]]
        assert list(found.read(range(found.rows))) == kept
        assert list(found.read(list(range(found.rows))[::-1])) == kept[::-1]


def refusal(tmp_path: Path, data: bytes, form: CsvForm | None = None) -> str:
    path = tmp_path / "upload.csv"
    path.write_bytes(data)
    with pytest.raises(BatchRefused) as caught:
        index(path, form or CsvForm())
    return caught.value.message


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'Id\n"ab\n', "EOF reached before closing an opened quote"),
        (b'Id,N\n1,"a"b\n', "Not expecting more text after end quote"),
        (b'Id,N\n1,"a" \n', "Not expecting more text after end quote"),
        (
            b'Id, "N"\n',
            "Found unescaped quote. A value with quote should be within a quote",
        ),
        (b"Id\n\xff\n", "The data is not in the encoding UTF-8"),
        (
            b"Id\n1,2\n",
            "The number of columns in a row (2) is greater than in the header (1)",
        ),
        (
            ",".join("a" * (MAX_COLUMNS + 1)).encode(),
            f"Exceeded max number of columns per record : {MAX_COLUMNS}",
        ),
        (b"x" * (MAX_CELL + 1), f"Exceeded max field size: {MAX_CELL + 1}"),
        (
            b",".join([b"A"] * 13) + b"\n" + b",".join([b"x" * MAX_CELL] * 13),
            (
                "Exceeded max length for one record: 416000. "
                "Max length for one record should be less than or equal to 400000"
            ),
        ),
    ],
)
def test_what_is_no_csv_says_why(tmp_path, data, text) -> None:
    assert refusal(tmp_path, data) == f"InvalidBatch : Failed to parse CSV. {text}"


def test_characters_are_counted_and_not_bytes(tmp_path) -> None:
    path = tmp_path / "upload.csv"
    path.write_bytes(b"N\n" + ("é" * MAX_CELL).encode())
    assert index(path, CsvForm()).rows == 1
    assert refusal(tmp_path, b"N\n" + ("é" * (MAX_CELL + 1)).encode()).endswith("32001")


def test_short_rows_are_filled(tmp_path) -> None:
    path = tmp_path / "upload.csv"
    path.write_bytes(b"A,B,C\n1\n1,2\n")
    assert list(index(path, CsvForm()).read([0, 1])) == [["1", "", ""], ["1", "2", ""]]


@pytest.mark.parametrize("rows", [0, 1, 200, 201, 10_000, 10_001, 25_450])
def test_every_row_is_in_one_chunk(rows) -> None:
    cut = turns(batches(rows, "seed"))
    assert sorted(at for each in cut for at in each) == list(range(rows))
    assert all(len(each) <= 200 for each in cut)
    assert cut == turns(batches(rows, "seed"))
    first = {each[0] // 10_000 for each in cut[: -(-rows // 10_000)]}
    assert len(first) == -(-rows // 10_000), "one chunk of each batch comes first"
