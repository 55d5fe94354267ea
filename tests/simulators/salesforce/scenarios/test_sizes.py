"""How many rows there are: the base, its multiples, exact counts for measurements, bounded batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from unlost_simulators.company.employees import COMPANY
from unlost_simulators.company.times import OPENING
from unlost_simulators.company.world import batches
from unlost_simulators.salesforce.model.schema import COMPOUNDS
from unlost_simulators.salesforce.scenarios import scenario, scenario_names
from unlost_simulators.salesforce.scenarios.chocolate import story
from unlost_simulators.salesforce.scenarios.chocolate.bench import CONTACT_COLUMNS, LONGEST_BODY
from unlost_simulators.salesforce.scenarios.chocolate.bench_graph import KEYED
from unlost_simulators.salesforce.scenarios.chocolate.objects import BY_NAME
from unlost_simulators.salesforce.scenarios.chocolate.scenario import ChocolateScenario
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes
from unlost_simulators.salesforce.scenarios.chocolate.sources import BATCH_ROWS
from unlost_simulators.salesforce.scenarios.chocolate.written.trap_rows import DANGLING

Tables = Mapping[str, pa.Table]


def total(tables: Tables) -> int:
    return sum(table.num_rows for table in tables.values())


def test_scale_one_is_about_7500_records_in_more_than_sixty_tables(
    chocolate: Tables,
) -> None:
    assert 7_000 <= total(chocolate) <= 8_000
    assert len(chocolate) >= 60


def test_rows_grow_linearly_with_the_scale(rows_of: Callable[..., Tables]) -> None:
    one, two, five = (rows_of(scale=scale) for scale in (1, 2, 5))
    for name, table in one.items():
        step = two[name].num_rows - table.num_rows
        assert abs(five[name].num_rows - table.num_rows - 4 * step) <= 4, name
    assert two["Contact"].num_rows - one["Contact"].num_rows == 1_110
    relations = "AccountContactRelation"
    assert two[relations].num_rows - one[relations].num_rows == 1_050
    assert two["EventRelation"].num_rows - one["EventRelation"].num_rows == 90 + 30


def test_ten_million_records_are_a_matter_of_scale() -> None:
    base = ChocolateSizes().times(1)
    assert base.contacts == 1_050
    assert ChocolateSizes().times(2_000).contacts == 2_100_000


def test_a_scale_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="scale must be 1 or more, not 0"):
        ChocolateSizes().times(0)


def test_only_the_named_tables_are_generated() -> None:
    sizes = ChocolateSizes.only({"contacts": 17})
    assert (sizes.contacts, sizes.cases, sizes.businesses) == (17, 0, 0)
    with pytest.raises(TypeError):
        ChocolateSizes.only({"contact": 17})


@pytest.mark.parametrize(("scale", "seed"), [(1, 1), (1, 2), (1, 3), (1, 99), (2, 1)])
def test_the_region_to_overwrite_has_at_least_300_numbers(
    rows_of: Callable[..., Tables], scale: int, seed: int
) -> None:
    contact = rows_of(scale=scale, seed=seed)["Contact"]
    assert story.OVERWRITE_WHERE == "Sales_Region__c = 'Kansai'"
    chosen = contact.filter(pc.equal(contact["Sales_Region__c"], "Kansai"))
    numbers = chosen["Phone"].drop_null()
    assert len(numbers) >= story.OVERWRITE_AT_LEAST
    assert len(numbers.unique()) >= story.OVERWRITE_AT_LEAST - 2
    assert story.OVERWRITE_VALUE not in numbers.to_pylist()


def test_contacts_for_measurements_are_exact_and_have_45_columns(
    rows_of: Callable[..., Tables],
) -> None:
    made = rows_of("bench-contacts", scale=2)
    assert made["Contact"].num_rows == 2_000
    assert total(made) < 2_100
    contact = next(one for one in scenario("bench-contacts").objects() if one.name == "Contact")
    readable = [one.name for one in contact.fields if one.type not in COMPOUNDS]
    assert len(readable) == len(contact.fields) == 45
    assert set(readable) == set(CONTACT_COLUMNS)


@pytest.mark.parametrize("characters", [1, 997, 5_000, LONGEST_BODY])
def test_mails_for_measurements_have_bodies_of_the_asked_length(characters: int) -> None:
    batches_of = scenario(f"bench-mails:{characters}").tables(scale=1, seed=1)
    mails = next(table for name, table in batches_of if name == "EmailMessage")
    lengths = pc.utf8_length(mails["TextBody"])
    assert pc.min_max(lengths).as_py() == {"min": characters, "max": characters}
    if characters > 2_000:
        assert len(mails["TextBody"].unique()) == mails.num_rows


def test_the_graph_for_measurements_has_keys_and_references_and_no_rows(
    rows_of: Callable[..., Tables],
) -> None:
    objects = {one.name: one for one in scenario("bench-graph").objects()}
    assert all(objects[name].field("Key__c") is not None for name in KEYED)
    for name, column, target in (
        ("Account", "ParentId", "Account"),
        ("Contact", "AccountId", "Account"),
        ("Case", "ContactId", "Contact"),
        ("Recipe__c", "Current_Batch__c", "Cocoa_Batch__c"),
        ("Cocoa_Batch__c", "Recipe__c", "Recipe__c"),
        ("Recipe_Ingredient__c", "Ingredient__c", "Ingredient__c"),
    ):
        field = objects[name].field(column)
        assert field is not None
        assert field.targets == (target,)
    assert not rows_of("bench-graph", scale=3).keys() & set(KEYED)


def test_mail_batches_stay_small_when_bodies_are_long() -> None:
    made = scenario(f"bench-mails:{LONGEST_BODY}").tables(scale=1, seed=1)
    sizes = [table.nbytes for name, table in made if name == "EmailMessage"]
    assert len(sizes) >= 3
    assert max(sizes) < 128 * 1024 * 1024


def test_bodies_out_of_range_and_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="1 to 131072 characters, not 131073"):
        scenario("bench-mails:131073")
    with pytest.raises(ValueError, match="known are chocolate, bench-contacts, bench-mails"):
        scenario("vanilla")


def test_names_lead_to_scenarios() -> None:
    for name in scenario_names():
        made = scenario(name)
        assert made.name.startswith(name)
        assert made.opening == OPENING
        assert made.settings().name == COMPANY


@pytest.mark.parametrize("count", [0, 1, BATCH_ROWS, BATCH_ROWS + 1, 5 * BATCH_ROWS])
def test_batches_cover_all_rows_once(count: int) -> None:
    runs = list(batches(count, BATCH_ROWS))
    assert sum(size for _, size in runs) == count
    assert [first for first, _ in runs] == [BATCH_ROWS * n for n in range(len(runs))]


def test_second_versions_need_documents() -> None:
    with pytest.raises(ValueError, match="7 second versions need as many documents, not 6"):
        ChocolateSizes.only({"documents": 6, "second_versions": 7})
    with pytest.raises(ValueError, match="fewer than 0 rows"):
        ChocolateSizes.only({"documents": -1})


@pytest.mark.parametrize(
    "table", [one.name for one in fields(ChocolateSizes) if one.name != "second_versions"]
)
def test_any_table_can_be_asked_for_alone(table: str) -> None:
    """Rows whose generated parents are missing hang on written-out ones: no reference dangles."""
    made = ChocolateScenario(sizes=lambda scale: ChocolateSizes.only({table: 5 * scale}))
    tables: dict[str, list[pa.Table]] = {}
    for name, rows in made.tables(scale=1, seed=1):
        tables.setdefault(name, []).append(rows)
    held = {key for parts in tables.values() for one in parts for key in one["Id"].to_pylist()}
    for name, parts in tables.items():
        for one in parts:
            for column in one.column_names:
                field = BY_NAME[name].field(column)
                assert field is not None
                if field.targets:
                    lost = {key for key in one[column].to_pylist() if key} - held
                    assert lost <= {key for _, _, key in DANGLING}, (name, column)
