"""What faults do to an answer that is otherwise right."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost_simulators.kit.faults import CutPlace, FaultKind, FaultRule, Framing
from unlost_simulators.kit.http import encoding, spoil
from unlost_simulators.kit.http.calls import Answer


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.UNAVAILABLE_HTML, 503),
        (FaultKind.EMPTY_500, 500),
        (FaultKind.THROTTLED_429, 429),
        (FaultKind.GARBAGE, 200),
    ],
)
def test_answers_that_take_the_place_of_the_real_one(kind: FaultKind, status: int) -> None:
    answer = spoil.answer_instead(FaultRule(kind))
    assert answer is not None
    assert (answer.status, answer.document) == (status, None)


def test_a_refusal_is_worded_by_its_system() -> None:
    assert spoil.answer_instead(FaultRule(FaultKind.REFUSE)) is None


def test_garbage_is_no_json() -> None:
    answer = spoil.answer_instead(FaultRule(FaultKind.GARBAGE))
    assert answer is not None
    with pytest.raises(ValueError, match=r"Expecting|decode"):
        json.loads(answer.body)


CELLS = st.lists(
    st.lists(st.text(alphabet='ab",\n\r', max_size=6), min_size=2, max_size=2),
    min_size=1,
    max_size=4,
)


def text_of(rows: list[list[str]]) -> bytes:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    return "".join(line + "\n" for line in lines).encode()


@given(rows=CELLS)
def test_a_cut_in_the_last_cell_leaves_one_quote_open(rows) -> None:
    text = text_of(rows)
    cut = text[: spoil.inside_last_cell(text)]
    assert cut.count(b'"') % 2 == 1
    last = rows[-1][-1].replace('"', '""')
    tail = f'"{last}"\n'.encode()
    assert len(text) - len(tail) < len(cut) < len(text)


@given(rows=CELLS)
def test_a_cut_before_the_last_row_still_parses(rows) -> None:
    text = text_of(rows)
    assert text[: spoil.before_last_row(text)] == text_of(rows[:-1])


def test_cut_of_a_compressed_body_by_text_is_a_sound_gzip() -> None:
    rule = FaultRule(FaultKind.CUT, place=CutPlace.LAST_CELL)
    answer = spoil.cut_plain(Answer(body=b'"Id"\n"abcdef"\n'), rule)
    packed = gzip.decompress(encoding.compress(answer.chunks()))
    assert packed == b'"Id"\n"abc'


def test_wire_of_a_cut() -> None:
    answer = Answer(body=b"0123456789")
    cut = FaultRule(FaultKind.CUT, after_bytes=4, framing=Framing.CHUNKED)
    wire = spoil.wire_for(answer, cut, plain_length=10)
    assert (wire.stop_after, wire.framing) == (4, Framing.CHUNKED)
    far = FaultRule(FaultKind.CUT, after_bytes=99)
    assert spoil.wire_for(answer, far, plain_length=10).stop_after == 10
    half = FaultRule(FaultKind.CUT, place=CutPlace.HALF)
    assert spoil.wire_for(answer, half, plain_length=10).stop_after == 5
    drip = FaultRule(FaultKind.DRIP, chunk=3, seconds=0.5)
    wire = spoil.wire_for(answer, drip, plain_length=10)
    assert (wire.drip_chunk, wire.drip_seconds) == (3, 0.5)
    assert spoil.wire_for(answer, None, plain_length=10) is spoil.SOUND
    delay = FaultRule(FaultKind.DELAY, seconds=2.5)
    assert spoil.wire_for(answer, delay, plain_length=10).wait_seconds == 2.5
