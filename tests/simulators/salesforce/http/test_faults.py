"""Fault rules: what they match, how often they fire, and what they do to an answer."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost_simulators.salesforce.faults import (
    AFTER_EFFECT,
    AFTERWARDS,
    INSTEAD,
    ROWS,
    CutPlace,
    FaultKind,
    FaultPlan,
    FaultRule,
    Framing,
    Subject,
    rule_from_json,
    rule_to_json,
)
from unlost_simulators.salesforce.http import spoil
from unlost_simulators.salesforce.http.calls import Answer

GET = Subject("GET", "/services/data/v66.0/jobs/query/750/results?locator=abc", "Contact")


def fires(plan: FaultPlan, subject: Subject, times: int, kinds=INSTEAD) -> list[bool]:
    return [plan.draw(kinds, subject) is not None for _ in range(times)]


def test_a_rule_skips_then_fires_so_often() -> None:
    plan = FaultPlan()
    plan.plant(FaultRule(FaultKind.EMPTY_500, skip=2, times=2))
    assert fires(plan, GET, 6) == [False, False, True, True, False, False]
    report = plan.report()[0]
    assert (report["seen"], report["hits"]) == (6, 2)
    assert plan.unhit() == []


def test_a_rule_without_bound_fires_for_ever() -> None:
    plan = FaultPlan()
    plan.plant(FaultRule(FaultKind.EMPTY_500, times=0))
    assert all(fires(plan, GET, 20))


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ({"method": "get"}, True),
        ({"method": "POST"}, False),
        ({"path": r"/results\?.*locator="}, True),
        ({"path": "/describe"}, False),
        ({"object": "CONTACT"}, True),
        ({"object": "Account"}, False),
        ({"method": "GET", "path": "results", "object": "Contact"}, True),
    ],
)
def test_what_a_rule_matches(rule, matches) -> None:
    plan = FaultPlan()
    plan.plant(rule_from_json({"kind": "empty_500", **rule}))
    assert fires(plan, GET, 1) == [matches]
    assert (plan.unhit() == []) == matches


def test_kinds_are_drawn_apart_and_rules_in_order() -> None:
    plan = FaultPlan()
    plan.plant(FaultRule(FaultKind.CUT))
    plan.plant(FaultRule(FaultKind.EMPTY_500))
    plan.plant(FaultRule(FaultKind.EDGE_420))
    assert plan.draw(INSTEAD, GET).kind is FaultKind.EMPTY_500
    assert plan.draw(INSTEAD, GET).kind is FaultKind.EDGE_420
    assert plan.draw(AFTERWARDS, GET).kind is FaultKind.CUT
    plan.clear()
    assert plan.report() == []


def test_a_hit_can_be_taken_back() -> None:
    plan = FaultPlan()
    rule = plan.plant(FaultRule(FaultKind.QUERY_TIMEOUT))
    assert plan.draw(INSTEAD, GET) is not None
    plan.undo(rule)
    assert plan.unhit() == [rule.id]
    assert plan.draw(INSTEAD, GET) is not None


def test_rules_travel_as_json() -> None:
    rule = rule_from_json({"kind": "cut", "place": "last_cell", "framing": "clean", "id": "x"})
    assert (rule.place, rule.framing) == (CutPlace.LAST_CELL, Framing.CLEAN)
    assert rule_from_json(rule_to_json(rule)) == rule
    for wrong in ({}, {"kind": "nonsense"}, {"kind": "cut", "colour": 1}):
        with pytest.raises(ValueError, match=r"kind|colour|nonsense"):
            rule_from_json(wrong)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (FaultKind.UNAVAILABLE_HTML, 503, None),
        (FaultKind.EMPTY_500, 500, None),
        (FaultKind.EDGE_420, 420, None),
        (FaultKind.EDGE_406, 406, None),
        (FaultKind.THROTTLED_429, 429, None),
        (FaultKind.REQUEST_LIMIT, 403, "REQUEST_LIMIT_EXCEEDED"),
        (FaultKind.EXPIRED_SESSION, 401, "INVALID_SESSION_ID"),
        (FaultKind.QUERY_TIMEOUT, 400, "QUERY_TIMEOUT"),
        (FaultKind.EXPIRED_LOCATOR, 404, "INVALID_QUERY_LOCATOR"),
        (FaultKind.REFUSE, 400, "UNKNOWN_EXCEPTION"),
    ],
)
def test_answers_that_take_the_place_of_the_real_one(kind, status, code) -> None:
    answer = spoil.answer_instead(FaultRule(kind))
    assert answer.status == status
    if code is None:
        assert answer.document is None
    else:
        assert answer.document[0]["errorCode"] == code
        assert "fields" not in answer.document[0]


def test_every_kind_has_its_place() -> None:
    inside = {FaultKind.JOB_FAILED, FaultKind.LATE_COMMIT}
    assert INSTEAD | AFTERWARDS | AFTER_EFFECT | ROWS | inside == set(FaultKind)


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
    packed = gzip.decompress(spoil.compress(answer.chunks()))
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
