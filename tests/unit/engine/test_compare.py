"""Two nights, or a night and now: what differs, record by record and field by field."""

from typing import Any

import pyarrow as pa
import pytest

from unit.engine.scene import Scene, chocolate
from unlost.engine.records.compare import UNKNOWN_ACT, Act, Between, LiveComparison, summarize
from unlost.model.errors import NotFound
from unlost.model.source.reading import Page, Rows
from unlost.model.source.schema import WireKind


def rows(differences: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for batch in differences for row in batch.to_pylist()]


def changed_org(scene: Scene) -> tuple[list[str], str]:
    org, made = scene.org, chocolate(scene)
    org.delete("Account", made[5])
    scene.night()
    scene.clock.advance(hours=2)
    org.update("Account", made[0], {"Phone": "new", "Turnover": "1.0E3"})
    org.update("Account", made[1], {"Turnover": "1.0E3"})  # the same number
    org.delete("Account", made[2])
    org.purge("Account", made[3])
    org.undelete("Account", made[5])
    fresh = org.create("Account", {"Name": "fresh"})
    return made, fresh


def expected(made: list[str], fresh: str) -> list[tuple[Any, ...]]:
    return sorted(
        [
            (made[0], "changed", "Phone", "00", "new"),
            (made[2], "deleted", None, None, None),
            (made[3], "deleted", None, None, None),
            (made[5], "revived", None, None, None),
            (fresh, "created", "Name", None, "fresh"),
        ]
    )


def test_two_nights(scene: Scene) -> None:
    made, fresh = changed_org(scene)
    scene.night()
    between = Between.of(scene.vault, scene.oid, after=2, other=1)
    assert "Account" in between.tables()
    told = [row for row in rows(between.differences("Account")) if row[2] != "Id"]
    assert told == expected(made, fresh)
    summary = summarize(between.differences("Account"), "Account")
    assert (summary.created, summary.changed, summary.deleted, summary.revived) == (1, 1, 2, 1)
    assert summary.total == 5
    assert between.plain("Account")
    assert between.summary("Account") == summary
    assert rows(between.differences("Contact")) == []


def test_a_column_that_came_makes_no_change_that_nobody_can_see(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.clock.advance(hours=2)
    scene.org.add_column("Account", "Taste", WireKind.TEXT)
    scene.org.update("Account", made[0], {"Taste": "bitter"})
    scene.org.update("Account", made[1], {"Phone": "new"})
    scene.night()
    between = Between.of(scene.vault, scene.oid, after=1, other=2)
    assert not between.plain("Account")
    assert sum(len(found) for found in between.changed("Account")) == 2
    assert between.summary("Account").changed == 1


def test_who_does_not_see_all_columns_counts_what_they_see(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    scene.night()
    filtered = Between.of(scene.vault, scene.oid, after=1, other=2, filtered=["Account"])
    assert not filtered.plain("Account")
    assert filtered.plain("Contact")


def test_a_night_and_now(scene: Scene) -> None:
    made, fresh = changed_org(scene)
    scene.source.job_seconds = 5
    live = LiveComparison(scene.source, scene.head, scene.clock, scene.work)
    assert "Account" in live.tables()
    told = [row for row in rows(live.differences("Account")) if row[2] != "Id"]
    assert sorted(told, key=str) == sorted(expected(made, fresh), key=str)


def test_a_night_and_now_by_census_finds_what_nobody_reports(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    first, second, *_ = scene.org.tables["Junction"].records
    scene.org.hide_row("Junction", first)
    scene.night()
    scene.org.purge("Junction", second)
    scene.org.create("Junction", {"Name": "last"}, record="Zzz")
    live = LiveComparison(scene.source, scene.head, scene.clock, scene.work, by_census=True)
    told = [row for row in rows(live.differences("Junction")) if row[1] != "created"]
    assert told == [(second, "deleted", None, None, None)]


def test_a_record_that_the_source_tells_of_twice_was_listed_and_counted_twice(scene: Scene) -> None:
    """Its list of deletes has what its rows tell too, also what came back, and pages overlap."""
    made = chocolate(scene)
    scene.night()
    scene.clock.advance(hours=2)
    scene.org.delete("Account", made[0])
    scene.org.delete("Account", made[1])
    scene.org.undelete("Account", made[1])
    scene.org.update("Account", made[2], {"Phone": "new"})
    scene.org.listed_purges = lambda table, since: made[:2] if table == "Account" else []  # type: ignore[method-assign]
    read = scene.source.read
    scene.source.read = lambda task: [page for _ in range(2) for page in read(task)]
    live = LiveComparison(scene.source, scene.head, scene.clock, scene.work, by_census=True)
    assert sorted(rows(live.differences("Account"))) == [
        (made[0], "deleted", None, None, None),
        (made[2], "changed", "Phone", "02", "new"),
    ]


def test_a_record_twice_in_one_page_is_told_as_it_was_last(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.clock.advance(hours=2)
    scene.org.update("Account", made[0], {"Phone": "one"})
    scene.source.page_rows = 50
    read = scene.source.read

    def twice(task: Any) -> Any:
        (page,) = read(task)
        if page.rows.cells is None:
            return [page]
        scene.org.update("Account", made[0], {"Phone": "two"})
        (later,) = read(task)
        both = Rows(
            pa.concat_arrays([page.rows.ids, later.rows.ids]),
            pa.concat_arrays([page.rows.ops, later.rows.ops]),
            pa.concat_arrays([page.rows.modified_at, later.rows.modified_at]),
            pa.concat_arrays([page.rows.modified_by, later.rows.modified_by]),
            pa.concat_batches([page.rows.cells, later.rows.cells]),
            later.rows.observed_at,
        )
        return [Page(both, page.proof)]

    scene.source.read = twice
    live = LiveComparison(scene.source, scene.head, scene.clock, scene.work)
    assert rows(live.differences("Account")) == [(made[0], "changed", "Phone", "00", "two")]


def test_an_unknown_table_is_refused(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    live = LiveComparison(scene.source, scene.head, scene.clock, scene.work)
    with pytest.raises(NotFound, match="not exist in both"):
        list(live.differences("Nothing"))


def test_a_table_that_came_between_is_all_new(scene: Scene) -> None:
    made = chocolate(scene, records=1)
    scene.night()
    scene.org.add_table("Late", {"Name": WireKind.TEXT})
    late = scene.org.create("Late", {"Name": "x"})
    scene.night()
    between = Between.of(scene.vault, scene.oid, after=1, other=2)
    assert (late, "created") in {row[:2] for row in rows(between.differences("Late"))}
    assert made


def test_a_deletion_names_its_time_and_user(scene: Scene) -> None:
    """They were dropped with the cells, so what a user deleted could not be taken back."""
    first, second, third, *_ = chocolate(scene)
    scene.night()
    scene.clock.advance(hours=2)
    at = scene.clock.now()
    scene.org.delete("Account", first, by="U7")
    scene.org.update("Account", second, {"Phone": "new"}, by="U7")
    scene.org.purge("Account", third)
    live = LiveComparison(scene.source, scene.head, scene.clock, scene.work)
    removals = {key: act for part in live.parts("Account") for key, act in part.removals.items()}
    assert removals[first] == Act(at, "U7")
    assert second not in removals
    assert removals.get(third, UNKNOWN_ACT).by is None
