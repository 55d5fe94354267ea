"""What shall come back otherwise: how it is said, what it means, and who may see it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unit.app.shop import CUSTOMER, WRITER, Shop
from unit.app.test_restore import endings, refused
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.restores import edit_plan, queued_restore
from unlost.app.actions.restores.edit_plan import (
    edit_stored_plan,
    plan_people,
    planned_fields,
    reassign_in_plan,
)
from unlost.app.actions.restores.kept_plan import (
    PlanView,
    choose,
    leave_out,
    make_plan_now,
    run_stored_plan,
    show_stored_plan,
)
from unlost.app.actions.restores.outcome import outcome
from unlost.app.actions.restores.queued_restore import do_restore
from unlost.app.actions.restores.restore_plan import PlanRequest, RestoreRequest, show_plan
from unlost.app.actions.restores.restore_run import retry_run
from unlost.app.restores.overrides import (
    CauseEdit,
    Overrides,
    ReassignedReference,
    TypedEdit,
    typed_overrides,
    with_edits,
    with_reassigned,
)
from unlost.catalog.people.audit import newest
from unlost.catalog.runs.plans import PlanState
from unlost.catalog.runs.runs import RunState
from unlost.engine.restore.planning.shown.summary import TypedRecord
from unlost.model.access import Actor, ActorKind, Grant, Right, Role
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import Holder
from unlost.model.source.schema import Column, ColumnTrait, Reference, WireKind
from unlost.testing.platform import RowRefused

VIEWER = Grant(Role.VIEWER, None)
PERSON = Reference(("Person",))


class Firm(Shop):
    """The customer and its contacts belong to somebody who left; then they are lost."""

    def __init__(self, world: World) -> None:
        self.world = world
        org = self.org
        org.add_table("Person", {"Name": WireKind.TEXT, "IsActive": WireKind.BOOLEAN})
        self.gone = self._person("Wim", "false")
        self.here, self.young = self._person("Lotte", "true"), self._person("Ada", "true")
        columns = org.tables["Account"].columns
        columns["ModifiedBy"] = replace(columns["ModifiedBy"], reference=PERSON)
        columns["Owner"] = Column(
            "Owner", WireKind.REFERENCE, label="Owner of it", reference=PERSON
        )
        columns["Since"] = Column("Since", WireKind.DATE)
        columns["Text"] = Column("Text", WireKind.TEXT, length=100_000)
        columns["Computed"] = Column(
            "Computed", WireKind.TEXT, traits=frozenset({ColumnTrait.VOLATILE})
        )
        org.update("Account", CUSTOMER, {"Owner": self.gone, "Text": "one\r\ntwo"})
        super().__init__(world)
        set_writer(self.app, WRITER)
        self.lose()
        self.night()

    def _person(self, name: str, active: str) -> str:
        return self.org.create("Person", {"Name": name, "IsActive": active})

    def contacts(self) -> dict[str, str]:
        """Ids of the lost contacts by their names."""
        rows = (
            self.app.vault.newest_backup(self.oid)
            .scan_deleted("Contact", columns=["Name"])
            .read_all()
        )
        return dict(zip(rows["Name"].to_pylist(), rows["_u_id"].to_pylist(), strict=True))


def lost_firm(world: World) -> Firm:
    with_sales(world)
    return Firm(world)


after_loss = scene(lost_firm)


@pytest.fixture
def firm(world: World, after_loss: Lead, monkeypatch: pytest.MonkeyPatch) -> Firm:
    monkeypatch.setattr(queued_restore, "enqueue_from_outside", lambda _place, _job: None)
    return after_loss(world)


def wanted(otherwise: Overrides = Overrides(), **more: Any) -> RestoreRequest:  # noqa: B008 (a value)
    return RestoreRequest(
        PlanRequest("sales", (f"Account/{CUSTOMER}",), otherwise=otherwise), **more
    )


def made(firm: Firm, view: PlanView) -> PlanView:
    return make_plan_now(firm.app, "sales", view.plan)


def edited(view: PlanView) -> Sequence[TypedRecord]:
    assert view.summary is not None, view
    return view.summary.edited


# --- how it is said -------------------------------------------------------------------------------


def test_it_is_said_in_words_of_a_terminal() -> None:
    told = typed_overrides(
        values=["Contact/003.Email=a=b.c", "Account/0.0.1.Name="],
        empty=["Contact/003.Phone"],
        instead=["User/005=006"],
        every=["Case.Status=New.Open"],
    )
    assert told == Overrides(
        (
            TypedEdit("Contact/003", "Email", "a=b.c"),
            TypedEdit("Account/0.0.1", "Name", ""),
            TypedEdit("Contact/003", "Phone", None),
        ),
        (ReassignedReference("User/005", "006"),),
        (CauseEdit("Case", "Status", "New.Open"),),
    )
    assert str(told) == "Account.Name, Case.Status, Contact.Email, Contact.Phone, User/005"
    assert typed_overrides() == Overrides()
    assert not typed_overrides()


@pytest.mark.parametrize(
    "words",
    [
        {"values": ["Contact/003.Email"]},
        {"values": ["Contact.Email=secret"]},
        {"values": ["/003.Email=secret"]},
        {"values": ["Contact/003=secret"]},
        {"empty": ["Contact/003"]},
        {"instead": ["User/005"]},
        {"instead": ["User=secret"]},
        {"every": ["Case=secret"]},
        {"every": ["Case.Status"]},
    ],
)
def test_what_says_nothing_is_refused_and_its_value_not_repeated(words: dict[str, Any]) -> None:
    error = refused(UsageError, "edit-unreadable", lambda: typed_overrides(**words))
    assert "secret" not in f"{error.sentence} {error.next_step}"


def test_what_is_typed_later_counts() -> None:
    asked = Overrides(
        (TypedEdit("A/1", "x", "1"), TypedEdit("A/1", "y", "2"), TypedEdit("A/2", "x", "3"))
    )
    assert with_edits(asked, "A/1", {"x": None}).edits == (
        TypedEdit("A/1", "y", "2"),
        TypedEdit("A/2", "x", "3"),
        TypedEdit("A/1", "x", None),
    )


def test_who_was_given_records_gives_them_on() -> None:
    asked = Overrides(given=(ReassignedReference("P/1", "2"), ReassignedReference("P/7", "8")))
    assert with_reassigned(asked, {"P/2": "3"}).given == (
        ReassignedReference("P/1", "3"),
        ReassignedReference("P/7", "8"),
        ReassignedReference("P/2", "3"),
    )


# --- plans in files -------------------------------------------------------------------------------


def test_a_plan_comes_back_otherwise(firm: Firm) -> None:
    otherwise = typed_overrides(
        values=[f"Account/{CUSTOMER}.Since=2026-03-04", f"Account/{CUSTOMER}.Owner={firm.young}"],
        empty=[f"Account/{CUSTOMER}.Text"],
    )
    plan = firm.plan(f"Account/{CUSTOMER}", otherwise=otherwise)
    assert plan.summary.edited == (TypedRecord("Account", CUSTOMER, ("Owner", "Since", "Text")),)
    assert show_plan(firm.app, Path(plan.file)).summary == plan.summary
    assert firm.run(plan).whole
    (cells,) = [one for one in firm.live("Account").values() if one["Name"] == "Schoko Zürich"]
    assert (cells["Since"], cells["Owner"], cells.get("Text")) == ("2026-03-04", firm.young, None)
    (deed,) = [row.deed for row in reversed(newest(most=999)) if row.deed.act == "restore.plan"]
    assert deed.detail["typed"] == ["Account.Owner", "Account.Since", "Account.Text"]
    assert "2026-03-04" not in str(deed)


def test_somebody_else_is_named(firm: Firm) -> None:
    otherwise = typed_overrides(instead=[f"Person/{firm.gone}={firm.here}"])
    plan = firm.plan(f"Account/{CUSTOMER}", otherwise=otherwise)
    assert plan.summary.holders == (Holder("Person", firm.here, 1),)
    firm.run(plan)
    live = firm.live("Account")[firm.named("Account", "Schoko Zürich")]
    assert live["Owner"] == firm.here


def test_what_cannot_be_a_value_is_refused(firm: Firm) -> None:
    def asked(*values: str) -> None:
        firm.plan(f"Account/{CUSTOMER}", otherwise=typed_overrides(values=values))

    refused(UsageError, "edit-value-wrong", asked, f"Account/{CUSTOMER}.Since=soon")
    refused(UsageError, "reference-unknown", asked, f"Account/{CUSTOMER}.Owner=no id")
    refused(UsageError, "edit-column-unknown", asked, f"Account/{CUSTOMER}.Nothing=x")
    refused(UsageError, "edit-column-fixed", asked, f"Account/{CUSTOMER}.Computed=x")
    refused(UsageError, "edit-record-unknown", asked, "Account/A40018.Name=x")


# --- another try ----------------------------------------------------------------------------------


def failing(firm: Firm, *names: str) -> str:
    """A restore in which contacts fail, each with a code of its own; its run."""
    plan = firm.plan(f"Account/{CUSTOMER}")
    for name in names:
        firm.writer.faults.plant("row", RowRefused("RULE", f"Not {name}."), table="Contact")
    result = firm.run(plan)
    assert endings(result)["failed"] == len(names)
    return result.run


def test_a_value_for_all_that_failed(firm: Firm) -> None:
    run = failing(firm, "Ann", "Ben")
    result = retry_run(firm.app, run, otherwise=typed_overrides(every=["Contact.Name=Both"]))
    assert result.whole
    assert [one["Name"] for one in firm.live("Contact").values()] == ["Both", "Both"]
    (deed,) = [row.deed for row in reversed(newest(most=999)) if row.deed.act == "restore.retry"]
    assert deed.subject == f"{run}/Contact.Name"


def test_a_value_for_one_cause_and_for_one_record(firm: Firm) -> None:
    run = failing(firm, "Ann", "Ben")
    otherwise = Overrides(
        (TypedEdit(f"Contact/{firm.contacts()['Ann']}", "Name", "Anna"),),
        causes=(
            CauseEdit("Contact", "Name", "Nobody", "another-code"),
            CauseEdit("Contact", "Name", "Both", "write-refused"),
        ),
    )
    refused(
        UsageError,
        "run-whole",
        lambda: retry_run(firm.app, run, codes=["another-code"], otherwise=otherwise),
    )
    assert retry_run(firm.app, run, codes=["write-refused"], otherwise=otherwise).whole
    assert {one["Name"] for one in firm.live("Contact").values()} == {"Anna", "Both"}


# --- in the console -------------------------------------------------------------------------------


def test_the_fields_of_a_record_are_told_with_what_is_wanted(firm: Firm) -> None:
    view = made(firm, choose(firm.app, "sales", wanted()))
    found = planned_fields(firm.app, "sales", view.plan, "Account", CUSTOMER)
    assert (found.name, found.label) == ("Schoko Zürich", "Account")
    fields = {field.name: field for field in found.fields}
    assert "Id" not in fields
    assert "Computed" not in fields
    assert fields["Owner"].label == "Owner of it"
    assert (fields["Owner"].value, fields["Owner"].target) == (firm.gone, "Wim")
    assert (fields["Since"].kind, fields["Since"].value) == (WireKind.DATE, None)
    refused(
        NotFound,
        "planned-record-unknown",
        planned_fields,
        firm.app,
        "sales",
        view.plan,
        "Account",
        "nobody",
    )


def test_values_are_typed_and_typed_again(firm: Firm) -> None:
    first = made(firm, choose(firm.app, "sales", wanted()))
    values = {"Name": "Typed", "Text": "one\ntwo", "Since": "", "Owner": firm.gone}
    view = made(firm, edit_stored_plan(firm.app, "sales", first.plan, "Account", CUSTOMER, values))
    assert edited(view) == (TypedRecord("Account", CUSTOMER, ("Name",)),), "the rest is as it was"
    assert show_stored_plan(firm.app, "sales", first.plan).state is PlanState.PLANNED, (
        "it is still there"
    )
    again = {"Name": "Schoko Zürich", "Since": "2026-03-04", "Text": None}
    view = made(firm, edit_stored_plan(firm.app, "sales", view.plan, "Account", CUSTOMER, again))
    assert edited(view)[0].columns == ("Name", "Since", "Text")
    fields = planned_fields(firm.app, "sales", view.plan, "Account", CUSTOMER).fields
    told = {field.name: (field.was, field.value) for field in fields}
    assert told["Text"] == ("one\r\ntwo", None)
    assert told["Name"] == ("Schoko Zürich", "Schoko Zürich")
    less = made(firm, leave_out(firm.app, "sales", view.plan, tables=["Paper"]))
    assert edited(less) == edited(view)
    run_stored_plan(firm.app, "sales", less.plan)
    (deed, *_) = [row.deed for row in reversed(newest(most=999)) if row.deed.act == "restore.edit"]
    assert "Typed" not in str(deed)
    assert any("Account.Name" in str(row.deed.detail) for row in reversed(newest(most=999)))


def test_what_changes_nothing_or_cannot_be_is_told_at_once(firm: Firm) -> None:
    view = made(firm, choose(firm.app, "sales", wanted()))

    def asked(values: dict[str, str | None]) -> None:
        edit_stored_plan(firm.app, "sales", view.plan, "Account", CUSTOMER, values)

    refused(UsageError, "nothing-typed", asked, {"Text": "one\r\ntwo", "Nothing": "x"})
    refused(UsageError, "edit-value-wrong", asked, {"Since": "soon"})
    wrong = typed_overrides(values=[f"Account/{CUSTOMER}.Since=soon"])
    refused(UsageError, "edit-value-wrong", choose, firm.app, "sales", wanted(wrong))


def test_people_are_told_with_those_who_could_take_over(firm: Firm) -> None:
    view = made(firm, choose(firm.app, "sales", wanted()))
    found = plan_people(firm.app, "sales", view.plan)
    (holder,) = found.listed
    assert (holder.name, holder.count, holder.active) == ("Wim", 1, False)
    assert [one.name for one in holder.others] == ["Ada", "Lotte", "Wim"]
    assert (found.typed, found.unlisted) == (False, 0)
    given = {f"Person/{firm.gone}": firm.here}
    view = made(firm, reassign_in_plan(firm.app, "sales", view.plan, given))
    (holder,) = plan_people(firm.app, "sales", view.plan).listed
    assert holder.name == "Lotte"
    view = made(
        firm, reassign_in_plan(firm.app, "sales", view.plan, {f"Person/{firm.here}": firm.young})
    )
    (holder,) = plan_people(firm.app, "sales", view.plan).listed
    assert holder.name == "Ada"
    handed = run_stored_plan(firm.app, "sales", view.plan)
    assert do_restore(firm.app, handed.run) is RunState.DONE
    live = firm.live("Account")[firm.named("Account", "Schoko Zürich")]
    assert live["Owner"] == firm.young


def test_nobody_is_given_anything_by_nothing(firm: Firm) -> None:
    view = made(firm, choose(firm.app, "sales", wanted()))
    for given in ({}, {f"Person/{firm.gone}": " "}, {f"Person/{firm.gone}": firm.gone}):
        refused(UsageError, "nobody-given", reassign_in_plan, firm.app, "sales", view.plan, given)


def test_of_too_many_people_those_who_are_active_are_offered_or_none(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = made(firm, choose(firm.app, "sales", wanted()))

    def names() -> list[str]:
        found = plan_people(firm.app, "sales", view.plan)
        (holder,) = found.listed
        assert holder.name == "Wim", "who holds it is told anyway"
        assert found.typed == (not holder.others)
        return [one.name for one in holder.others]

    monkeypatch.setattr(edit_plan, "MOST_PEOPLE", 2)
    assert names() == ["Ada", "Lotte"]
    monkeypatch.setattr(edit_plan, "MOST_PEOPLE", 1)
    assert names() == []
    monkeypatch.undo()
    monkeypatch.setattr(edit_plan, "MOST_READ", 2)
    assert names() == []


def test_people_whom_the_backup_does_not_know_are_told_by_their_ids(firm: Firm) -> None:
    stranger = firm.org.create("Person", {"Name": "New"})
    otherwise = typed_overrides(instead=[f"Person/{firm.gone}={stranger}"])
    view = made(firm, choose(firm.app, "sales", wanted(otherwise)))
    (holder,) = plan_people(firm.app, "sales", view.plan).listed
    assert (holder.record, holder.name, holder.active) == (stranger, "", None)


def test_a_cause_names_the_fields_that_can_be_set(firm: Firm) -> None:
    run = failing(firm, "Ann")
    told = outcome(firm.app, run)
    assert told is not None
    assert [field.name for field in told.causes[0].fields] == ["Account", "Name"]
    causes = (CauseEdit("Contact", "Name", "Anna", "write-refused"),)
    request = PlanRequest("sales", otherwise=Overrides(causes=causes))
    view = made(firm, choose(firm.app, "sales", RestoreRequest(request, retry=run)))
    assert edited(view)[0].columns == ("Name",)


# --- hidden columns -------------------------------------------------------------------------------


def test_who_may_restore_sees_every_column() -> None:
    """Plans hold typed values, and tell whom records name."""
    for role in Role:
        own = Actor(ActorKind.PERSON, "ben", (Grant(role, None),))
        assert not own.may(Right.RESTORE) or own.may(Right.READ_HIDDEN), role


def test_who_does_not_see_all_is_told_no_fields(firm: Firm) -> None:
    run = failing(firm, "Ann")
    hide(firm.app, "sales", "Account.Text")
    told = outcome(firm.app.acting(Actor(ActorKind.PERSON, "ben", (VIEWER,))), run)
    assert told is not None
    assert told.causes[0].fields == ()
