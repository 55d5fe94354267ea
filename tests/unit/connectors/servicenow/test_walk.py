"""Walks through tables that an instance answers in odd ways."""

from collections.abc import Mapping

import httpx
import pytest

from fakes.table_api import ScriptedApi, count_answer, error_answer, rows_answer
from unlost.connectors.servicenow.http.walk import (
    IdRange,
    RowCondition,
    TableWalk,
    WalkQuery,
    walks_by_id,
)
from unlost.kit.json_to_arrow import MalformedAnswer
from unlost.model.errors import IntegrityError, SourceRefused
from unlost.model.source.reading import RowCheckPart

IDS = [f"{number:032x}" for number in range(25)]
QUERY = WalkQuery("incident", ())


class Shelf:
    """Rows in the order of their ids; ``hidden`` ones are counted and not shown."""

    def __init__(
        self, ids: list[str], hidden: set[str] | None = None, *, counts: bool = True
    ) -> None:
        self.ids, self.hidden, self.counts = ids, hidden or set(), counts
        self.growing: list[str] = []

    def __call__(self, path: str, parameters: Mapping[str, str]) -> httpx.Response:
        query = parameters.get("sysparm_query", "")
        after = next((p[7:] for p in query.split("^") if p.startswith("sys_id>")), "")
        ids = [each for each in self.ids if each > after]
        if path.startswith("stats/"):
            return count_answer(str(len(ids)))
        offset, limit = int(parameters.get("sysparm_offset", 0)), int(parameters["sysparm_limit"])
        page = [each for each in ids[offset : offset + limit] if each not in self.hidden]
        counted = self.counts and "sysparm_no_count" not in parameters
        self.ids += self.growing
        self.growing = []
        return rows_answer([{"sys_id": each} for each in page], total=len(ids) if counted else None)


def walked(script: ScriptedApi, *, page_rows: int = 5) -> tuple[list[str], TableWalk]:
    walk = TableWalk(script.api(page_rows=page_rows), QUERY)
    ids = [each for page in walk.pages() for each in page.cells.column("sys_id").to_pylist()]
    return ids, walk


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("hidden", [set(), set(IDS[3:5]), set(IDS[5:18]), set(IDS[20:]), set(IDS)])
def test_every_visible_row_comes_and_hidden_ones_are_counted(
    hidden: set[str], counts: bool
) -> None:
    ids, walk = walked(ScriptedApi(Shelf(list(IDS), hidden, counts=counts)))
    assert ids == [each for each in IDS if each not in hidden]
    assert walk.seen == len(ids)
    assert walk.hidden() == len(hidden)


def test_a_table_that_fits_a_page_takes_one_call() -> None:
    script = ScriptedApi(Shelf(IDS[:5]))
    ids, walk = walked(script, page_rows=20)
    assert (len(ids), walk.hidden(), len(script.calls)) == (5, 0, 1)


def test_an_empty_table_takes_one_call() -> None:
    script = ScriptedApi(Shelf([]))
    assert walked(script)[0] == []
    assert len(script.calls) == 1


def test_rows_that_are_created_during_a_walk_are_not_hidden() -> None:
    shelf = Shelf(list(IDS))
    shelf.growing = ["0" * 31 + "!"]  # before the first id
    _, walk = walked(ScriptedApi(shelf))
    assert walk.hidden() == 0


def test_a_refused_count_leaves_the_first_one() -> None:
    shelf = Shelf(list(IDS), set(IDS[:2]))

    def answer(path: str, parameters: Mapping[str, str]) -> httpx.Response:
        refused = path.startswith("stats/")
        return error_answer(403, "No") if refused else shelf(path, parameters)

    assert walked(ScriptedApi(answer))[1].hidden() == 2


def test_rows_that_nothing_counts_are_not_proved() -> None:
    shelf = Shelf(list(IDS), counts=False)

    def answer(path: str, parameters: Mapping[str, str]) -> httpx.Response:
        # The count behind the last id shows that nothing follows; that of all rows is refused.
        refused = path.startswith("stats/") and "sys_id>" not in parameters.get("sysparm_query", "")
        return error_answer(403, "No") if refused else shelf(path, parameters)

    _, walk = walked(ScriptedApi(answer))
    with pytest.raises(SourceRefused):
        walk.hidden()


def test_an_order_that_is_ignored_is_noticed() -> None:
    def answer(path: str, parameters: Mapping[str, str]) -> httpx.Response:
        del path, parameters
        return rows_answer([{"sys_id": each} for each in reversed(IDS[:5])], total=25)

    with pytest.raises(IntegrityError) as caught:
        walked(ScriptedApi(answer))
    assert caught.value.code == "paging-in-circles"


@pytest.mark.parametrize("record", [None, "", "a^b", "javascript:x", "x" * 33])
def test_an_id_that_cannot_stand_in_a_query_is_malformed(record: str | None) -> None:
    script = ScriptedApi(lambda *_: rows_answer([{"sys_id": record}], total=1))
    with pytest.raises(MalformedAnswer):
        walked(script)


@pytest.mark.parametrize("record", ["glide.maint", "global", "A" * 32])
def test_an_id_need_not_be_hexadecimal(record: str) -> None:
    script = ScriptedApi(lambda *_: rows_answer([{"sys_id": record}], total=1))
    assert walked(script)[0] == [record]


def test_ids_are_asked_for_in_parts() -> None:
    script = ScriptedApi(Shelf([]))
    ids = [f"{number:032x}" for number in range(250)]
    parts = [part for part, _ in walks_by_id(script.api(), QUERY, ids)]
    assert [len(part) for part in parts] == [100, 100, 50]


def test_conditions_are_written_as_encoded_queries() -> None:
    assert RowCondition("state", among=("1",)).text == "state=1"
    assert RowCondition("state", among=("1", "2")).text == "stateIN1,2"
    assert RowCondition("sys_updated_on", at_least="2026").text == "sys_updated_on>=2026"


@pytest.mark.parametrize("of", [1, 3, 64])
def test_the_parts_of_a_table_leave_no_id_out(of: int) -> None:
    parts = [IdRange.of_part(RowCheckPart(number, of)) for number in range(of)]
    assert (parts[0].low, parts[-1].high) == ("", "")
    assert [part.high for part in parts[:-1]] == [part.low for part in parts[1:]]
    assert [part.low for part in parts] == sorted({part.low for part in parts})


def test_a_part_is_a_range_of_ids() -> None:
    assert IdRange("", "").text == ""
    query = WalkQuery("incident", (), (RowCondition("active", among=("true",)), IdRange("4", "8")))
    assert query.text == "active=true^sys_id>=4^sys_id<8"
    assert WalkQuery("incident", (), (IdRange("", ""),)).text == ""
