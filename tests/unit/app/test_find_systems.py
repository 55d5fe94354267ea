"""One search in orgs of several systems: the hits of each stand together, and are counted."""

import pytest

from homes import World
from two_systems import NUMBER, with_two_systems
from unlost.app.actions.records.find import FindResult, FoundSystem, find
from unlost.app.actions.records.saved_searches import open_search, save_search
from unlost.app.records.search.query import RecordSearch
from unlost.app.records.table_words import TableWords


@pytest.fixture
def systems(world: World) -> World:
    with_two_systems(world)
    return world


def places(result: FindResult) -> list[tuple[str, str]]:
    return [(hit.system_label, f"{hit.table}/{hit.record}") for hit in result.hits]


def test_a_number_finds_the_customer_in_both_systems(systems: World) -> None:
    result = find(systems.app, NUMBER)
    assert sorted(places(result)) == [("Memory", "Account/A40017"), ("ServiceDesk", "company/c1")]
    assert result.best is None, "neither of them is more exact than the other"


def test_hits_of_a_system_stand_together_and_are_counted(systems: World) -> None:
    result = find(systems.app, "schoko")
    labels = [label for label, _ in places(result)]
    assert labels in (["Memory", *["ServiceDesk"] * 3], [*["ServiceDesk"] * 3, "Memory"])
    assert result.systems == (
        FoundSystem("desk", "ServiceDesk", 3),
        FoundSystem("memory", "Memory", 1),
    )


def test_tables_with_the_same_label_are_told_apart_by_their_names(
    systems: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TableWords, "label", lambda *_, **__: "Account")
    assert [table.label for table in find(systems.app, NUMBER).tables] == [
        "Account (Account)", "Account (company)",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["desk", "servicedesk", "ServiceDesk"])
def test_a_filter_by_system_takes_its_name_or_its_label(systems: World, name: str) -> None:
    result = find(systems.app, "schoko", system=name)
    assert {label for label, _ in places(result)} == {"ServiceDesk"}
    assert result.total == 3
    assert [table.table for table in result.tables] == ["ticket", "company"]
    assert len(result.systems) == 2, "the other system can still be chosen"


def test_an_unknown_system_finds_nothing_and_the_filter_is_named(systems: World) -> None:
    result = find(systems.app, "schoko", system="netsuite")
    assert (result.total, result.hits) == (0, ())
    assert "filter" in " ".join(hint.sentence for hint in result.hints).lower()


def test_a_connector_that_is_missing_has_its_name_as_label(systems: World) -> None:
    systems.other_connectors.clear()
    with systems.opened() as app:
        result = find(app, "schoko")
        assert ("desk", "company/c1") in places(result)


def test_a_saved_search_keeps_its_system(systems: World) -> None:
    save_search(systems.app, "desk", RecordSearch("schoko", system="desk"))
    assert open_search(systems.app, "desk").query == RecordSearch("schoko", system="desk")
