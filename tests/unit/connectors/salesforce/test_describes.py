"""Describes are kept from night to night, and never believed longer than they are true."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fakes.runs import ids, read_all
from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from fakes.wire import error_answer, json_answer
from unlost.connectors.salesforce.schema import describes
from unlost.model.errors import SourceRefused
from unlost.model.finding import FindingKind
from unlost.model.source.schema import Schema
from unlost.testing.clock import START
from unlost.testing.system import MemoryCache

NAMES = [f"Thing{number}__c" for number in range(30)]


def an_org(*, dated: bool = True) -> FakeSalesforce:
    """Thirty tables; answers say since when a describe holds, or do not."""
    org = FakeSalesforce()
    org.context = replace(org.context, cache=MemoryCache())
    for name in NAMES:
        org.describes[name] = describe(name, *system_fields(), field("Color__c"))
        if dated:
            org.modified[name] = START - timedelta(days=1)
    return org


def cache(org: FakeSalesforce) -> MemoryCache:
    assert isinstance(org.context.cache, MemoryCache)
    return org.context.cache


def discovered(org: FakeSalesforce) -> Schema:
    with org.source() as source:
        return source.discover()


def sent(org: FakeSalesforce) -> int:
    """How many describes Salesforce sent since this was asked last."""
    count, org.described = org.described, 0
    return count


def add_column(org: FakeSalesforce, name: str, column: str) -> None:
    org.describes[name]["fields"] = [*org.describes[name]["fields"], field(column)]


def test_what_did_not_change_is_not_sent_again() -> None:
    org = an_org()
    first = discovered(org)
    assert sent(org) == 30
    org.context.clock.sleep(86_400)
    second = discovered(org)
    assert sent(org) == 0
    assert first == second
    assert len(org.wire.made("POST", "/composite$")) == 4, "25 in a call, also when they changed"


def test_what_changed_is_sent_alone() -> None:
    org = an_org()
    discovered(org)
    sent(org)
    org.context.clock.sleep(86_400)
    add_column(org, NAMES[7], "New__c")
    org.modified[NAMES[7]] = START + timedelta(hours=5)
    schema = discovered(org)
    assert sent(org) == 1
    assert schema.table(NAMES[7]).column("New__c")  # type: ignore[union-attr]


def test_an_answer_without_a_date_holds_since_a_little_before_it_came() -> None:
    org = an_org(dated=False)
    discovered(org)
    sent(org)
    org.context.clock.sleep(86_400)
    org.modified = dict.fromkeys(NAMES, START - timedelta(minutes=2))
    org.modified[NAMES[3]] = START - timedelta(seconds=30)
    discovered(org)
    assert sent(org) == 1


def test_after_a_week_everything_is_sent_again() -> None:
    org = an_org()
    discovered(org)
    sent(org)
    org.context.clock.sleep(7 * 86_400)
    discovered(org)
    assert sent(org) == 30


def test_a_clock_that_was_set_back_is_no_reason_to_believe() -> None:
    org = an_org()
    org.context.clock.sleep(86_400)
    discovered(org)
    sent(org)
    org.context.clock.advance(days=-1)  # type: ignore[attr-defined]
    discovered(org)
    assert sent(org) == 30


@pytest.mark.parametrize("change", ["rights", "version", "user"])
def test_what_another_reader_saw_does_not_count(change: str) -> None:
    org = an_org()
    discovered(org)
    sent(org)
    if change == "rights":
        org.flags["PermissionsViewAllData"] = False
    elif change == "version":
        org.config = replace(org.config, api_version=67.0)
    else:
        org.user = id_of("005", 77)
    discovered(org)
    assert sent(org) == 30


def test_a_version_that_reads_more_keys_reads_all_describes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A describe that an earlier version cached lacks the flags that it did not read."""
    org = an_org()
    monkeypatch.setattr(describes, "described_keys", lambda: ("DescribedObject.name",))
    discovered(org)
    sent(org)
    discovered(org)
    assert sent(org) == 0
    monkeypatch.undo()
    discovered(org)
    assert sent(org) == 30


def test_the_keys_by_which_tables_and_columns_are_known_are_read() -> None:
    keys = describes.described_keys()
    assert {"DescribedObject.layoutable", "DescribedObject.searchable"} <= set(keys)
    assert "DescribedField.idLookup" in keys


@pytest.mark.parametrize("damage", ["gone", "empty", "nonsense", "other shape"])
def test_a_damaged_cache_costs_calls_and_nothing_else(damage: str) -> None:
    org = an_org()
    before = discovered(org)
    sent(org)
    entries = cache(org).entries
    for name in list(entries):
        if damage == "gone":
            del entries[name]
        else:
            entries[name] = {"empty": b"", "nonsense": b"\xff{", "other shape": b"[1]"}[damage]
    assert discovered(org) == before
    assert sent(org) == 30


def test_a_column_that_the_org_has_and_the_cache_has_not_is_asked_about() -> None:
    """Also where Salesforce says that nothing changed: rights on fields move no date."""
    org = an_org()
    org.hidden[NAMES[2]] = ["Secret__c"]
    org.hidden[NAMES[4]] = ["Other__c"]
    hidden = discovered(org)
    assert hidden.table(NAMES[2]).hidden == ("Secret__c",)  # type: ignore[union-attr]
    sent(org)
    del org.hidden[NAMES[2]]
    add_column(org, NAMES[2], "Secret__c")
    shown = discovered(org)
    assert sent(org) == 2
    assert shown.table(NAMES[2]).hidden == ()  # type: ignore[union-attr]
    assert shown.table(NAMES[2]).column("Secret__c")  # type: ignore[union-attr]
    assert [f.column for f in shown.findings if f.kind is FindingKind.COLUMN_HIDDEN] == ["Other__c"]


def test_a_table_that_is_taken_away_meanwhile_is_refused() -> None:
    org = an_org()
    org.hidden[NAMES[2]] = ["Secret__c"]
    discovered(org)
    gone = error_answer("NOT_FOUND", "The requested resource does not exist", 404)
    org.wire.on("GET", rf"/{NAMES[2]}/describe$", gone)
    schema = discovered(org)
    assert schema.table(NAMES[2]) is None
    assert [f.table for f in schema.findings if f.kind is FindingKind.TABLE_REFUSED] == [NAMES[2]]
    assert not [f for f in schema.findings if f.kind is FindingKind.COLUMN_HIDDEN]


def test_a_column_that_a_query_does_not_know_drops_what_was_kept() -> None:
    org = an_org()
    org.rows[NAMES[5]] = [row(id_of("a05", 1))]
    discovered(org)
    sent(org)
    no_field = error_answer("INVALID_FIELD", "No such column 'Color__c' on entity")
    org.wire.on("GET", rf"query(All)?/.*Color__c.*{NAMES[5]}", no_field)
    with org.source() as source, pytest.raises(SourceRefused):
        read_all(source, org.table(source, NAMES[5]))
    org.describes[NAMES[5]]["fields"] = system_fields()
    with org.source() as source:
        assert ids(read_all(source, org.table(source, NAMES[5]))) == [id_of("a05", 1)]
    assert sent(org) == 1


def test_another_refusal_leaves_it_alone() -> None:
    org = an_org()
    org.rows[NAMES[5]] = [row(id_of("a05", 1))]
    org.wire.on("GET", "query(All)?/.*Color__c", error_answer("QUERY_TOO_MUCH", "no"))
    with org.source() as source, pytest.raises(SourceRefused):
        read_all(source, org.table(source, NAMES[5]))
    assert len(cache(org).entries) == 30


def test_an_org_that_takes_no_describes_in_a_composite_call_is_asked_as_before() -> None:
    org = an_org()
    org.wire.on("POST", "/composite$", error_answer("INVALID_INPUT", "no"))
    assert len(discovered(org).tables) == 30
    assert sent(org) == 30
    assert not cache(org).entries


def test_a_describe_that_one_call_refuses_is_asked_for_by_itself() -> None:
    org = an_org()
    busy: list[Any] = [error_answer("UNKNOWN_EXCEPTION", "An unexpected error occurred.", 400)]
    org.wire.on("GET", rf"/{NAMES[9]}/describe$", *busy, org._describe)
    schema = discovered(org)
    assert schema.table(NAMES[9]) is not None
    assert not [f for f in schema.findings if f.kind is FindingKind.TABLE_REFUSED]


def test_the_describe_of_another_table_is_asked_for_again_and_never_kept() -> None:
    org = an_org()
    swapped = json_answer(org.describes[NAMES[8]])
    org.wire.on("GET", rf"/{NAMES[9]}/describe$", swapped, org._describe)
    schema = discovered(org)
    assert sorted(table.name for table in schema.tables) == sorted(NAMES)
    assert not [f for f in schema.findings if f.kind is FindingKind.TABLE_REFUSED]
    assert f"describe/{NAMES[8]}" in cache(org).entries
    assert f"describe/{NAMES[9]}" not in cache(org).entries


def test_a_table_that_is_always_described_as_another_one_is_a_gap_and_stops_nothing() -> None:
    org = an_org()
    org.wire.on("GET", rf"/{NAMES[9]}/describe$", json_answer(org.describes[NAMES[8]]))
    schema = discovered(org)
    assert len(schema.tables) == 29
    (finding,) = [f for f in schema.findings if f.kind is FindingKind.TABLE_REFUSED]
    assert finding.table == NAMES[9]
    assert "another object" in finding.sentence


def test_without_a_cache_nothing_is_kept() -> None:
    org = an_org()
    org.context = replace(org.context, cache=None)
    org.rows[NAMES[0]] = [row(id_of("a00", 1))]
    org.wire.on("POST", "/composite$", error_answer("INVALID_INPUT", "not asked"))
    for _ in range(2):
        assert len(discovered(org).tables) == 30
        assert sent(org) == 30
    no_field = error_answer("INVALID_FIELD", "No such column")
    org.wire.on("GET", "query(All)?/.*Color__c", no_field)
    with org.source() as source, pytest.raises(SourceRefused):
        read_all(source, org.table(source, NAMES[0]))
