"""A record is corrected: values of any version, typed ones, names for references, a second record."""

from dataclasses import replace
from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.restores.correct import (
    CorrectableField,
    CorrectableRecord,
    Corrections,
    correct,
    correctable,
)
from unlost.app.actions.restores.edit_plan import edit_stored_plan, planned_fields
from unlost.app.actions.restores.kept_plan import PlanView, make_plan_now
from unlost.app.actions.restores.plan_groups import show_group
from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restores.restore_run import run_plan
from unlost.app.alerts.put_back import put_back_values
from unlost.app.restores.overrides import TakenEdit, TypedEdit, corrected_overrides
from unlost.catalog.runs.plans import PlanState, plan_content
from unlost.model.errors import NotFound, UsageError
from unlost.model.source.schema import Column, ColumnTrait, Reference, WireKind

KEY = f"Account/{CUSTOMER}"
BEFORE = "+41 40017"


def live(world: World) -> Shop:
    """The customer has had other phone numbers and another name since the second backup."""
    shop = open_shop(world)
    set_writer(shop.app, WRITER)
    for phone, name in (("+41 1", "Chocolat"), ("+41 2", "Chocolat SA")):
        shop.org.update("Account", CUSTOMER, {"Phone": phone, "Name": name})
        shop.night()
    return shop


corrected_twice = scene(live)


@pytest.fixture
def shop(world: World, corrected_twice: Lead) -> Shop:
    made: Shop = corrected_twice(world)
    return made


def shown(shop: Shop, record: str = CUSTOMER) -> CorrectableRecord:
    return correctable(shop.app, "sales", "Account", record)


def field(record: CorrectableRecord, name: str) -> CorrectableField:
    return next(each for each in record.fields if each.name == name)


def until(shop: Shop, column: str, value: str) -> str:
    versions = field(shown(shop), column).versions
    return next(version.until.isoformat() for version in versions if version.value == value)


def run(shop: Shop, view: PlanView) -> None:
    made = make_plan_now(shop.app, "sales", view.plan)
    assert made.state is PlanState.PLANNED, made.error
    file = Path(shop.out())
    file.write_bytes(plan_content(view.plan))
    run_plan(shop.app, file)


def corrected(shop: Shop, *, beside: bool = False, **values: str | None) -> PlanView:
    chosen = Corrections(values=values)
    return correct(shop.app, "sales", "Account", CUSTOMER, chosen=chosen, beside=beside)


# --- the columns and their versions ---------------------------------------------------------------


def test_each_column_shows_its_earlier_values_the_newest_first(shop: Shop) -> None:
    record = shown(shop)
    phone = field(record, "Phone")
    assert (record.alive, record.name, phone.value) == (True, "Chocolat SA", "+41 2")
    assert [version.value for version in phone.versions] == ["+41 1", BEFORE]
    assert phone.versions[0].changed_by == "Ada Admin"
    assert {each.name for each in record.fields if each.versions} == {"Phone", "Name"}
    assert [bool(each.versions) for each in record.fields][:2] == [True, True]


def test_a_value_that_came_back_is_offered_once(shop: Shop) -> None:
    for phone in ("+41 1", "+41 2"):
        shop.org.update("Account", CUSTOMER, {"Phone": phone})
        shop.night()
    assert [v.value for v in field(shown(shop), "Phone").versions] == ["+41 1", BEFORE]


def test_only_so_many_versions_are_offered(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlost.app.actions.restores.correct.VERSIONS", 1)
    assert [v.value for v in field(shown(shop), "Phone").versions] == ["+41 1"]


def test_columns_that_the_org_sets_are_not_offered(shop: Shop) -> None:
    columns = shop.org.tables["Account"].columns
    for name, column in columns.items():
        if name in ("Phone", "Name"):
            columns[name] = replace(column, traits=column.traits | {ColumnTrait.UPDATABLE})
    shop.night()
    assert {each.name for each in shown(shop).fields} == {"Phone", "Name"}


def test_a_deleted_record_shows_the_values_of_its_last_backup(shop: Shop) -> None:
    shop.lose()
    shop.night()
    record = shown(shop)
    assert not record.alive
    assert field(record, "Phone").value == "+41 2"
    assert [v.value for v in field(record, "Phone").versions] == ["+41 1", BEFORE]


# --- chosen values ---------------------------------------------------------------------------------


def test_values_of_two_versions_are_set_and_nothing_else(shop: Shop) -> None:
    versions = {
        "Phone": until(shop, "Phone", BEFORE), "Name": until(shop, "Name", "Chocolat"),
    }  # fmt: skip
    view = correct(shop.app, "sales", "Account", CUSTOMER, chosen=Corrections(versions))
    overrides = view.wanted.request.otherwise
    assert not overrides.edits, "no value of a record is stored with the request"
    assert {edit.column: edit.at for edit in overrides.taken} == {"Phone": "1", "Name": "2"}
    run(shop, view)
    cells = shop.live("Account")[CUSTOMER]
    assert (cells["Phone"], cells["Name"]) == (BEFORE, "Chocolat")


def test_the_preview_shows_the_values_of_both_versions(shop: Shop) -> None:
    view = correct(
        shop.app, "sales", "Account", CUSTOMER,
        chosen=Corrections({"Phone": until(shop, "Phone", BEFORE)}, {"Name": "Cacao"}),
    )  # fmt: skip
    make_plan_now(shop.app, "sales", view.plan)
    (record,) = show_group(shop.app, "sales", view.plan, "Account").records
    changes = {change.column: (change.old, change.new) for change in record.fields}
    assert changes == {"Phone": ("+41 2", BEFORE), "Name": ("Chocolat SA", "Cacao")}
    planned = planned_fields(shop.app, "sales", view.plan, "Account", CUSTOMER)
    values = {each.name: each.value for each in planned.fields}
    assert (values["Phone"], values["Name"]) == (BEFORE, "Cacao")


def test_a_chosen_version_can_be_replaced_by_a_typed_value_in_the_preview(shop: Shop) -> None:
    view = correct(
        shop.app, "sales", "Account", CUSTOMER,
        chosen=Corrections({"Phone": until(shop, "Phone", BEFORE)}),
    )  # fmt: skip
    make_plan_now(shop.app, "sales", view.plan)
    again = edit_stored_plan(shop.app, "sales", view.plan, "Account", CUSTOMER, {"Phone": "+41 99"})
    run(shop, again)
    assert shop.live("Account")[CUSTOMER]["Phone"] == "+41 99"


def test_a_value_between_two_backups_is_typed(shop: Shop) -> None:
    for phone in ("+41 3", "+41 4"):
        shop.world.clock.advance(hours=1)
        shop.org.update("Account", CUSTOMER, {"Phone": phone})
    shop.night()
    chosen = Corrections({"Phone": until(shop, "Phone", "+41 3")})
    view = correct(shop.app, "sales", "Account", CUSTOMER, chosen=chosen)
    assert view.wanted.request.otherwise.edits == (TypedEdit(KEY, "Phone", "+41 3"),)


def test_a_column_is_emptied(shop: Shop) -> None:
    run(shop, corrected(shop, Phone=None))
    assert shop.live("Account")[CUSTOMER].get("Phone") is None


def test_a_deleted_record_comes_back_corrected_with_what_belongs_to_it(shop: Shop) -> None:
    shop.lose()
    shop.night()
    run(shop, corrected(shop, Phone="+41 7"))
    (cells,) = [c for c in shop.live("Account").values() if c["Name"] == "Chocolat SA"]
    assert cells["Phone"] == "+41 7"
    assert len(shop.live("Contact")) == 2


def test_a_second_record_comes_beside_the_first(shop: Shop) -> None:
    run(shop, corrected(shop, beside=True, Name="Cacao"))
    names = [cells["Name"] for cells in shop.live("Account").values()]
    assert sorted(name or "" for name in names)[-2:] != ["Cacao", "Cacao"]
    assert {"Cacao", "Chocolat SA"} <= set(names)


def test_a_correction_counts_as_our_own_change(shop: Shop) -> None:
    """It must not raise an alert about a mass change; each value counts from its own backup."""
    first = len(shop.app.vault.snapshots(shop.oid))
    versions = {
        "Phone": until(shop, "Phone", BEFORE), "Name": until(shop, "Name", "Chocolat"),
    }  # fmt: skip
    run(shop, correct(shop.app, "sales", "Account", CUSTOMER, chosen=Corrections(versions)))
    last = shop.night()
    values = put_back_values(shop.app, shop.oid, after=first, until=last)
    assert {(v.snapshot, *v.columns) for v in values} == {(1, "Phone"), (2, "Name")}


# --- references ------------------------------------------------------------------------------------


def live_with_parents(world: World) -> Shop:
    """The customer has a parent, by its name or its number."""
    shop = live(world)
    columns = shop.org.tables["Account"].columns
    columns["Parent"] = Column("Parent", WireKind.REFERENCE, reference=Reference(("Account",)))
    number = frozenset({ColumnTrait.EXTERNAL_ID})
    columns["Number"] = replace(columns["Number"], traits=number)
    shop.org.update("Account", "A40018", {"Name": "Zotter"})
    shop.night()
    return shop


with_parents = scene(live_with_parents)


@pytest.fixture
def owned(world: World, with_parents: Lead) -> Shop:
    made: Shop = with_parents(world)
    return made


@pytest.mark.parametrize("text", ["Zotter", " zotter ", "0040018", "A40018"])
def test_a_reference_is_typed_as_a_name_a_number_or_an_id(owned: Shop, text: str) -> None:
    run(owned, corrected(owned, Parent=text))
    assert owned.live("Account")[CUSTOMER]["Parent"] == "A40018"


def test_a_name_of_two_records_names_both_ids(owned: Shop) -> None:
    owned.org.update("Account", "A40019", {"Name": "Zotter"})
    owned.night()
    with pytest.raises(UsageError) as caught:
        corrected(owned, Parent="Zotter")
    assert caught.value.code == "reference-ambiguous"
    assert "A40018, A40019" in caught.value.next_step
    assert "Zotter" not in str(caught.value), "errors are stored, and names are personal data"


def test_a_name_that_nobody_has_is_refused(owned: Shop) -> None:
    with pytest.raises(UsageError) as caught:
        corrected(owned, Parent="No such company")
    assert caught.value.code == "reference-unknown"


# --- bad input ---------------------------------------------------------------------------------------


def test_nothing_chosen_is_refused(shop: Shop) -> None:
    with pytest.raises(UsageError) as caught:
        corrected(shop)
    assert caught.value.code == "correction-empty"


def test_a_change_that_never_was_is_refused(shop: Shop) -> None:
    with pytest.raises(NotFound) as caught:
        correct(shop.app, "sales", "Account", CUSTOMER, chosen=Corrections({"Phone": "soon"}))
    assert caught.value.code == "change-unknown"


@pytest.mark.parametrize(
    ("text", "code"),
    [("Nougat", "edit-value-unlisted"), ("Dark", ""), ("Dark;Nougat", "edit-value-unlisted")],
)
def test_a_list_accepts_only_its_values(shop: Shop, text: str, code: str) -> None:
    multi = ";" in text
    shop.org.add_column(
        "Account", "Taste", WireKind.MULTI if multi else WireKind.TEXT, value="Milk"
    )
    capability = shop.platform.capability("Account")
    shop.platform.allow(replace(capability, lists={"Taste": frozenset({"Dark", "Milk"})}))
    shop.night()
    made = make_plan_now(shop.app, "sales", corrected(shop, Taste=text).plan)
    assert (made.error.code if made.error else "") == code
    assert code == "" or "Dark, Milk" in (made.error.next_step if made.error else "")


def test_a_typed_value_of_the_wrong_kind_is_refused_at_once(shop: Shop) -> None:
    shop.org.add_column("Account", "Sales", WireKind.DECIMAL, value="1")
    shop.night()
    with pytest.raises(UsageError) as caught:
        corrected(shop, Sales="much")
    assert caught.value.code == "edit-value-wrong"


# --- as typed on the command line ---------------------------------------------------------------------


def test_corrections_are_read_as_they_are_typed() -> None:
    overrides = corrected_overrides(
        KEY, taken=["Phone@2026-03-04"], values=["Name=a=b", "Note="], empty=["Parent"]
    )
    assert overrides.taken == (TakenEdit(KEY, "Phone", "2026-03-04"),)
    assert overrides.edits == (
        TypedEdit(KEY, "Name", "a=b"), TypedEdit(KEY, "Note", ""), TypedEdit(KEY, "Parent", None),
    )  # fmt: skip
    assert overrides.columns == ("Account.Name", "Account.Note", "Account.Parent", "Account.Phone")
    assert overrides


@pytest.mark.parametrize("taken", ["Phone", "Phone@", "@2026-03-04"])
def test_a_version_without_a_time_or_column_is_refused(taken: str) -> None:
    with pytest.raises(UsageError) as caught:
        corrected_overrides(KEY, taken=[taken])
    assert caught.value.code == "edit-unreadable"


def test_a_value_without_a_column_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        corrected_overrides(KEY, values=["=x"])
    assert caught.value.code == "edit-unreadable"


def test_a_column_is_taken_from_the_backup_of_a_day(shop: Shop) -> None:
    day = shop.app.vault.snapshots(shop.oid)[0].as_of.date().isoformat()
    request = PlanRequest(
        "sales", (KEY,), otherwise=corrected_overrides(KEY, taken=[f"Phone@{day}"]), correct=True
    )
    result = make_plan(shop.app, request, Path(shop.out()))
    assert result.summary.columns == ("Account.Phone",)
    run_plan(shop.app, Path(result.file))
    assert shop.live("Account")[CUSTOMER]["Phone"] == BEFORE


def test_values_that_changed_after_a_backup_stay(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Phone": "by hand"})
    request = PlanRequest("sales", (KEY,), columns=("Phone",), at="1", since="3")
    result = make_plan(shop.app, request, Path(shop.out()))
    assert {note.code for note in result.summary.notes} >= {"changed-since"}
    assert result.summary.changes == 0


def test_a_record_that_came_back_under_a_new_id_takes_values_from_before_its_loss(
    shop: Shop,
) -> None:
    shop.lose()
    shop.night()
    result = make_plan(shop.app, PlanRequest("sales", (KEY,)), Path(shop.out()))
    run_plan(shop.app, Path(result.file))
    shop.night()
    (live,) = [k for k, c in shop.live("Account").items() if c["Name"] == "Chocolat SA"]
    assert live != CUSTOMER
    key = f"Account/{live}"
    request = PlanRequest(
        "sales", (key,), otherwise=corrected_overrides(key, taken=["Phone@1"]), correct=True
    )
    run_plan(shop.app, Path(make_plan(shop.app, request, Path(shop.out())).file))
    assert shop.live("Account")[live]["Phone"] == BEFORE
