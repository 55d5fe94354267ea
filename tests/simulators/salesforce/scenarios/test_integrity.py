"""The rows fit their describes: references point to rows, ids are right, nothing is too long."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from unlost_simulators.company.times import OPENING
from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.schema import FieldDef, FieldType
from unlost_simulators.salesforce.scenarios.chocolate.declared.record_types import RECORD_TYPES
from unlost_simulators.salesforce.scenarios.chocolate.objects import BY_NAME
from unlost_simulators.salesforce.scenarios.chocolate.written.trap_rows import DANGLING

Tables = Mapping[str, pa.Table]
RUNS = [
    ("chocolate", 1, 1),
    ("chocolate", 3, 20),
    ("bench-contacts", 1, 1),
    ("bench-mails:300", 1, 1),
]


@pytest.fixture(params=RUNS, ids=lambda one: f"{one[0]}-{one[1]}-{one[2]}")
def tables(request: pytest.FixtureRequest, rows_of: Callable[..., Tables]) -> Tables:
    name, scale, seed = request.param
    return rows_of(name, scale=scale, seed=seed)


def given(tables: Tables, *, kinds: frozenset[FieldType]) -> list[tuple[str, FieldDef, pa.Array]]:
    found = []
    for name, table in tables.items():
        for column in table.column_names:
            field = BY_NAME[name].field(column)
            assert field is not None, (name, column)
            if field.type in kinds:
                found.append((name, field, table.column(column)))
    return found


TEXTS = frozenset(
    {
        FieldType.STRING, FieldType.TEXTAREA, FieldType.PICKLIST, FieldType.MULTIPICKLIST,
        FieldType.COMBOBOX, FieldType.PHONE, FieldType.EMAIL, FieldType.URL, FieldType.ENCRYPTED,
    }
)  # fmt: skip


def test_ids_are_unique_and_carry_prefix_and_checksum(tables: Tables) -> None:
    for name, table in tables.items():
        if BY_NAME[name].empty_key:
            continue
        values = table.column("Id").to_pylist()
        assert len(set(values)) == len(values), name
        for value in (values[0], values[-1]):
            assert ids.full(value[:15]) == value
            assert value.startswith(BY_NAME[name].id_prefix)


def test_objects_that_share_a_key_prefix_share_no_id(chocolate: Tables) -> None:
    comments = set(chocolate["CaseComment"].column("Id").to_pylist())
    assert not comments & set(chocolate["IdeaComment"].column("Id").to_pylist())
    accounts = set(chocolate["AccountHistory"].column("Id").to_pylist())
    assert not accounts & set(chocolate["CaseHistory"].column("Id").to_pylist())


def test_every_reference_points_to_a_row_of_a_named_target(tables: Tables) -> None:
    held = {name: set(table.column("Id").to_pylist()) for name, table in tables.items()}
    dangling = set()
    for name, field, column in given(tables, kinds=frozenset({FieldType.REFERENCE})):
        for value in set(column.to_pylist()) - {None}:
            if not any(value in held.get(target, ()) for target in field.targets):
                dangling.add((name, field.name, value))
    expected = DANGLING if "Task" in tables else frozenset()
    assert dangling == expected


def test_dangling_references_are_polymorphic_only() -> None:
    for name, column, _ in DANGLING:
        field = BY_NAME[name].field(column)
        assert field is not None
        assert len(field.targets) > 1


def test_no_text_is_longer_than_its_field_and_none_is_empty(tables: Tables) -> None:
    for name, field, column in given(tables, kinds=TEXTS):
        longest = pc.max(pc.utf8_length(column)).as_py() or 0
        assert longest <= field.length, (name, field.name, longest)
        shortest = pc.min(pc.utf8_length(column)).as_py()
        assert shortest is None or shortest > 0, (name, field.name)


def test_text_has_no_blanks_at_its_ends(tables: Tables) -> None:
    """The platform trims them; it leaves U+00A0."""
    for name, field, column in given(tables, kinds=TEXTS):
        odd = pc.match_substring_regex(column, "^[ \t\r\n]|[ \t\r\n]$")
        assert not pc.any(odd).as_py(), (name, field.name, column.filter(odd).to_pylist()[:3])


def test_required_fields_are_filled(tables: Tables) -> None:
    for name, table in tables.items():
        for field in BY_NAME[name].stored:
            if field.required and field.auto_number is None:
                if field.name not in table.column_names:
                    assert field.system or field.default is not None, (name, field.name)
                    continue
                missing = table.column(field.name).null_count
                assert missing == 0 or field.system, (name, field.name, missing)


def test_unique_fields_hold_no_value_twice_in_any_case(tables: Tables) -> None:
    for name, table in tables.items():
        for field in BY_NAME[name].stored:
            if field.unique and field.name in table.column_names:
                values = [one.lower() for one in table.column(field.name).to_pylist() if one]
                assert len(set(values)) == len(values), (name, field.name)


def test_restricted_picklists_hold_known_values(tables: Tables) -> None:
    for name, field, column in given(tables, kinds=frozenset({FieldType.PICKLIST})):
        if field.restricted_picklist:
            known = {one.value for one in field.picklist}
            assert set(column.to_pylist()) - {None} <= known, (name, field.name)


def test_time_goes_forward_and_ends_at_the_opening(tables: Tables) -> None:
    for name, table in tables.items():
        columns = [
            one
            for one in ("CreatedDate", "LastModifiedDate", "SystemModstamp")
            if one in table.column_names
        ]
        for earlier, later in pairwise(columns):
            early, late = table.column(earlier), table.column(later)
            assert pc.all(pc.less_equal(early, late)).as_py() in {True, None}, (name, later)
        for one in columns:
            assert pc.max(table.column(one)).as_py() <= OPENING, (name, one)


def test_record_type_rows_have_the_ids_that_describe_shows(chocolate: Tables) -> None:
    table = chocolate["RecordType"]
    rows = dict(zip(table["Id"].to_pylist(), table["DeveloperName"].to_pylist(), strict=True))
    for row in RECORD_TYPES:
        assert rows[row.info.id] == row.info.developer_name


def test_person_accounts_and_their_contacts_are_pairs_with_one_name(chocolate: Tables) -> None:
    account, contact = chocolate["Account"], chocolate["Contact"]
    persons = account.filter(pc.fill_null(account["IsPersonAccount"], False)).to_pylist()
    paired = {one["Id"]: one for one in contact.to_pylist() if one["IsPersonAccount"]}
    assert len(persons) == len(paired) > 50
    for one in persons:
        other = paired[one["PersonContactId"]]
        assert other["AccountId"] == one["Id"]
        assert (other["LastName"], other["FirstName"]) == (one["LastName"], one["FirstName"])
        assert other["Phone"] == one["Phone"]
        assert other["Email"] == one["PersonEmail"]
        assert one["Name"] == f"{one['FirstName']} {one['LastName']}"


def test_history_ends_at_the_value_that_the_record_has(chocolate: Tables) -> None:
    phones = dict(
        zip(
            chocolate["Contact"]["Id"].to_pylist(),
            chocolate["Contact"]["Phone"].to_pylist(),
            strict=True,
        )
    )
    changes = [one for one in chocolate["ContactHistory"].to_pylist() if one["Field"] == "Phone"]
    assert len(changes) >= 50
    assert all(phones[one["ContactId"]] == one["NewValue"] for one in changes)
    assert all(one["OldValue"] != one["NewValue"] for one in changes)


def test_threads_name_the_mail_before_them(chocolate: Tables) -> None:
    mails = {one["Id"]: one for one in chocolate["EmailMessage"].to_pylist()}
    answers = [one for one in mails.values() if one["ReplyToEmailMessageId"]]
    assert len(answers) >= 200
    for one in answers:
        before = mails[one["ReplyToEmailMessageId"]]
        assert before["ThreadIdentifier"] == one["ThreadIdentifier"]
        assert before["MessageDate"] <= one["MessageDate"]
        assert re.fullmatch(r"<[^<>@]+@[^<>@]+>", one["MessageIdentifier"])
    named = [one["MessageIdentifier"] for one in mails.values()]
    assert len(set(named)) == len(named)


def test_junction_pairs_and_campaign_members_occur_once(chocolate: Tables) -> None:
    for name, left, right in (
        ("Recipe_Ingredient__c", "Recipe__c", "Ingredient__c"),
        ("CampaignMember", "CampaignId", "ContactId"),
        ("ContentDocumentLink", "ContentDocumentId", "LinkedEntityId"),
        ("OpportunityContactRole", "OpportunityId", "ContactId"),
        ("AccountContactRelation", "AccountId", "ContactId"),
        ("EventRelation", "EventId", "RelationId"),
    ):
        table = chocolate[name]
        pairs = list(zip(table[left].to_pylist(), table[right].to_pylist(), strict=True))
        assert len(set(pairs)) == len(pairs), name


def test_old_closed_activities_are_archived(chocolate: Tables) -> None:
    for name in ("Task", "Event"):
        archived = pc.sum(chocolate[name]["IsArchived"]).as_py()
        assert 10 < archived < chocolate[name].num_rows
