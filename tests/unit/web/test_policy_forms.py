"""The rows of the form for an archive policy, without a home."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from unlost.app.actions.archive.policy_choices import (
    OfferedColumn,
    OfferedProtection,
    OfferedReference,
    PolicyChoices,
    TableColumns,
    ValueChoice,
)
from unlost.model.archive import (
    ArchiveBranch,
    ArchiveOrder,
    ArchivePolicy,
    BranchRule,
    Comparison,
    Condition,
)
from unlost.model.source.schema import DeleteRule, WireKind
from unlost.web.forms.archive_branches import taken_branches
from unlost.web.forms.archive_policy import ArchivePolicyForm

TIME = (Comparison.OLDER, Comparison.BETWEEN, Comparison.SAME)
ANY = (Comparison.IS, Comparison.IS_NOT, Comparison.EMPTY, Comparison.FILLED)
STATES = (ValueChoice("new", "New"), ValueChoice("done", "Closed"))
KINDS = (
    ValueChoice("012A", "Support"),
    ValueChoice("012B", "Sales"),
    ValueChoice("012C", "sales"),
)
CASE = TableColumns(
    "Case",
    "Case",
    (
        OfferedColumn("Closed", "Closed", WireKind.INSTANT, (*TIME, *ANY)),
        OfferedColumn("Made", "Created", WireKind.INSTANT, (*TIME, *ANY)),
        OfferedColumn("Kind", "Record type", WireKind.REFERENCE, ANY, refers=True),
        OfferedColumn("Open", "Open", WireKind.BOOLEAN, ANY),
        OfferedColumn("Size", "Size", WireKind.DECIMAL, (Comparison.LARGER, *ANY)),
        OfferedColumn("State", "State", WireKind.TEXT, (*ANY, Comparison.STARTS), STATES),
        OfferedColumn("Tags", "Tags", WireKind.MULTI, ANY, STATES),
        OfferedColumn("Subject", "Subject", WireKind.TEXT, (*ANY, Comparison.STARTS)),
    ),
)
TASK = TableColumns("Task", "Task", (OfferedColumn("Open", "Open", WireKind.BOOLEAN, ANY),))
CHOICES = PolicyChoices(
    "sales",
    (),
    (CASE, TASK),
    (
        OfferedReference("Task", "WhatId", "Task", "Related to", DeleteRule.UNKNOWN),
        OfferedReference("Mail", "Case", "Mail", "Case", DeleteRule.CASCADE),
        OfferedReference("Order", "Case", "Order", "Case", DeleteRule.RESTRICT),
    ),
    (OfferedProtection("activated", "Activated orders"), OfferedProtection("files-of-mails")),
    versions=True,
)
OPEN = Condition("Open", Comparison.IS, ("true",))
POLICY = ArchivePolicy(
    "old",
    "Case",
    (
        Condition("Closed", Comparison.OLDER, days=30),
        Condition("State", Comparison.IS, ("done",)),
        Condition("Size", Comparison.LARGER, number=2.5),
        Condition("Subject", Comparison.FILLED),
        Condition("Kind", Comparison.IS_NOT, ("012A", "gone")),
        Condition("Made", Comparison.BETWEEN, ("2026-01-01", "2026-01-31")),
        Condition("Made", Comparison.SAME, ("Closed",)),
    ),
    (
        ArchiveBranch("Mail", "Case", BranchRule.TAKE),
        ArchiveBranch("Task", "WhatId", BranchRule.STOP, (OPEN,)),
        ArchiveBranch("Task", "WhatId", BranchRule.TAKE),
        ArchiveBranch("Order", "Case", BranchRule.STOP),
    ),
    30,
    "Old cases",
    ids=("1", "2"),
    include=("activated", "unknown"),
    order=ArchiveOrder.LARGEST,
    unreferenced=True,
)


def values(table: str, column: str) -> Sequence[ValueChoice]:
    return KINDS if (table, column) == ("Case", "Kind") else ()


def form(
    policy: ArchivePolicy = POLICY,
    data: Mapping[str, Any] | None = None,
    *,
    names: set[str] | None = None,
) -> ArchivePolicyForm:
    return ArchivePolicyForm(policy, None, choices=CHOICES, values=values, names=names, data=data)


def sent(shown: ArchivePolicyForm) -> dict[str, Any]:
    """What a browser sends of a form that nobody changed."""
    rows = [shown.conditions, *(row.conditions for row in shown.branches.rules)]
    typed: dict[str, Any] = {each.count_name: str(len(each)) for each in rows}
    typed[shown.branches.count_name] = str(len(shown.branches.rules))
    for part in (shown, *shown.parts()):
        for name in part.fields:
            value = part[name].value()
            if value is not None and value is not False:
                typed[part.add_prefix(name)] = value
    return typed


def typed_policy(data: Mapping[str, Any], policy: ArchivePolicy = POLICY) -> ArchivePolicy:
    filled = form(policy, data)
    assert filled.is_valid(), [part.errors for part in (filled, *filled.parts()) if part.errors]
    return filled.as_policy()


def row(column: str, comparison: Comparison, value: str = "") -> dict[str, str]:
    """A form with only this condition."""
    return {
        "condition-rows": "1",
        "condition-0-column": column,
        "condition-0-comparison": comparison.value,
        "condition-0-value": value,
    }


def conditions_of(**typed: str) -> tuple[Condition, ...]:
    bare = ArchivePolicy("old", "Case")
    return typed_policy(sent(form(bare)) | typed, bare).conditions


def problem(field: str, **typed: str) -> str:
    """The error at a field of the first condition, while all that was typed is shown."""
    bare = ArchivePolicy("old", "Case")
    filled = form(bare, sent(form(bare)) | typed)
    assert not filled.is_valid()
    assert filled.has_errors
    (first, *_more) = filled.conditions
    assert first["value"].value() == typed["condition-0-value"]
    (text,) = first.errors[field]
    return str(text)


def test_a_policy_that_is_saved_without_a_change_stays_as_it_is() -> None:
    assert typed_policy(sent(form())) == POLICY


def test_values_are_shown_and_typed_by_their_names() -> None:
    shown = form()
    _closed, state, _size, _subject, kind, *_times = shown.conditions
    assert state["value"].value() == "Closed"
    assert kind["value"].value() == "Support\ngone"
    assert state.fields["value"].help_text == "Values: New, Closed."
    test = Condition("State", Comparison.IS, ("done", "new"))
    assert conditions_of(**row("State", Comparison.IS, "closed\n\n new \ndone")) == (test,)
    test = Condition("Kind", Comparison.IS, ("012A", "012Z"))
    assert conditions_of(**row("Kind", Comparison.IS, "Support\n012Z")) == (test,)
    test = Condition("Closed", Comparison.SAME, ("Made",))
    assert conditions_of(**row("Closed", Comparison.SAME, "Created")) == (test,)
    test = Condition("Open", Comparison.IS_NOT, ("true",))
    assert conditions_of(**row("Open", Comparison.IS_NOT, "yes")) == (test,)
    test = Condition("Tags", Comparison.IS, ("new;done",))
    assert conditions_of(**row("Tags", Comparison.IS, "new;done")) == (test,)


def test_the_start_of_a_text_need_not_be_a_value() -> None:
    test = Condition("State", Comparison.STARTS, ("Clo",))
    assert conditions_of(**row("State", Comparison.STARTS, "Clo")) == (test,)


def test_rows_without_a_column_are_no_conditions() -> None:
    assert conditions_of() == ()


@pytest.mark.parametrize(
    ("column", "comparison", "value", "field", "words"),
    [
        ("", Comparison.OLDER, "5", "column", "Choose a column"),
        ("Lost", Comparison.IS, "5", "column", "Case has no column Lost in the newest backup"),
        ("State", Comparison.OLDER, "5", "comparison", "dates and times only"),
        ("State", Comparison.LARGER, "5", "comparison", "numbers only"),
        ("Size", Comparison.STARTS, "5", "comparison", "texts only"),
        ("Closed", Comparison.OLDER, "0", "value", "from 1 to 36500"),
        ("Closed", Comparison.OLDER, "99999", "value", "from 1 to 36500"),
        ("Closed", Comparison.OLDER, "two", "value", "from 1 to 36500"),
        ("Size", Comparison.LARGER, "nan", "value", "Enter a number"),
        ("Size", Comparison.LARGER, "0", "value", "Enter a number above 0"),
        ("State", Comparison.BETWEEN, "2026-01-01\n2026-01-02", "comparison", "dates and times"),
        ("Made", Comparison.BETWEEN, "2026-01-01", "value", "the first and the last day"),
        ("Made", Comparison.BETWEEN, "2026-01-02\n2026-01-01", "value", "the first and the last"),
        ("Made", Comparison.BETWEEN, "soon\n2026-01-01", "value", "the first and the last day"),
        ("Made", Comparison.SAME, "State", "value", "one column of dates or times"),
        ("Made", Comparison.SAME, "Closed\nMade", "value", "one column of dates or times"),
        ("Size", Comparison.LARGER, "big", "value", "Enter a number"),
        ("State", Comparison.IS, " \n", "value", "Enter at least one value."),
        ("State", Comparison.IS, "Clsed", "value", "The column has no value “Clsed”."),
        ("Kind", Comparison.IS, "SALES", "value", "Several records are named “SALES”."),
        ("Kind", Comparison.IS, "Nothing so", "value", "The column has no value"),
    ],
)
def test_bad_input_has_an_error_at_its_field_and_stays_typed(
    column: str, comparison: Comparison, value: str, field: str, words: str
) -> None:
    assert words in problem(field, **row(column, comparison, value))


def test_an_unknown_comparison_is_refused() -> None:
    typed = row("State", Comparison.IS, "new") | {"condition-0-comparison": "near"}
    assert "near" in problem("comparison", **typed)


def test_a_new_condition_gets_a_row_and_nothing_typed_is_checked_or_lost() -> None:
    typed = sent(form()) | {"add": "condition", "condition-0-value": "soon", "unchanged_days": "x"}
    draft = form(data=typed)
    assert not draft.is_valid()
    assert not draft.has_errors
    assert len(draft.conditions) == len(POLICY.conditions) + 1
    assert next(iter(draft.conditions))["value"].value() == "soon"
    assert draft["unchanged_days"].value() == "x"
    again = form(data=sent(draft) | {"add": "condition"})
    assert len(again.conditions) == len(POLICY.conditions) + 2


def test_a_rule_with_conditions_is_added_and_removed() -> None:
    bare = ArchivePolicy("old", "Case", POLICY.conditions)
    draft = form(bare, sent(form(bare)) | {"add": "rule", "new_rule": "Task.WhatId"})
    (rule,) = draft.branches.rules
    assert rule.title == "Task: Related to (Task.WhatId)"
    more = form(bare, sent(draft) | {"add": "rule-0"})
    assert len(more.branches.rules[0].conditions) == 2
    filled = sent(more)
    unfilled = form(bare, filled)
    assert not unfilled.is_valid()
    assert "needs a condition" in str(unfilled.branches.rules[0].form.errors)
    filled |= {"rule-0-0-column": "Open", "rule-0-0-comparison": "is", "rule-0-0-value": "yes"}
    stop = ArchiveBranch("Task", "WhatId", BranchRule.STOP, (OPEN,))
    assert typed_policy(filled, bare).branches == (stop,)
    wrong = form(bare, filled | {"rule-0-0-value": "perhaps"})
    assert not wrong.is_valid()
    gone = {"rule-0-rule": "", "rule-0-0-value": "perhaps"}
    assert typed_policy(filled | gone, bare).branches == ()


def test_records_that_the_org_deletes_along_cannot_stay() -> None:
    assert "leave" not in dict(form().branches.plain.fields["branch-Mail.Case"].choices)  # type: ignore[attr-defined]
    typed = sent(form()) | {"branch-Mail.Case": "leave"}
    assert not form(data=typed).is_valid()
    typed = sent(form()) | {"rule-0-reference": "Mail.Case", "rule-0-rule": "leave"}
    typed |= {"rule-0-0-column": "", "rule-0-0-value": ""}
    refused = form(data=typed)
    assert not refused.is_valid()
    assert "The org deletes these records" in str(refused.branches.rules[0].form.errors)


def test_a_branch_of_a_removed_column_is_named() -> None:
    gone = ArchivePolicy(
        "old",
        "Case",
        POLICY.conditions,
        (
            ArchiveBranch("Bill", "Case", BranchRule.TAKE),
            ArchiveBranch("Bill", "Old", BranchRule.STOP, (OPEN,)),
        ),
    )
    refused = form(gone, sent(form(gone)))
    assert not refused.is_valid()
    assert "Bill.Case refers to no record that goes" in str(refused.branches.plain.errors)
    typed = sent(form(gone)) | {"branch-Bill.Case": "", "rule-0-rule": ""}
    assert typed_policy(typed, gone).branches == ()
    typed["rule-0-rule"] = "stop"
    typed["rule-0-0-column"] = typed["rule-0-0-value"] = ""
    refused = form(gone, typed)
    assert not refused.is_valid()
    assert "Bill.Old refers to no record" in str(refused.branches.rules[0].form.errors)


def test_a_rule_after_one_that_always_applies_stays_without_effect() -> None:
    """Its place in the form is before the others: it would apply."""
    take = ArchiveBranch("Task", "WhatId", BranchRule.TAKE)
    dead = ArchiveBranch("Task", "WhatId", BranchRule.STOP, (OPEN,))
    policy = ArchivePolicy("old", "Case", POLICY.conditions, (take, dead))
    assert typed_policy(sent(form(policy)), policy).branches == (take,)


def test_a_new_policy_cannot_have_the_name_of_another() -> None:
    new = ArchivePolicy("", "Case", POLICY.conditions)
    typed = sent(form(new, names={"old"}))
    filled = form(new, typed | {"name": "old"}, names={"old"})
    assert not filled.is_valid()
    assert "already a policy" in str(filled.errors["name"])
    assert not form(new, typed | {"name": ""}, names={"old"}).is_valid()
    filled = form(new, typed | {"name": "older"}, names={"old"})
    assert filled.is_valid()
    assert filled.as_policy().name == "older"


def test_a_form_with_too_many_rows_or_none_is_bounded() -> None:
    bare = ArchivePolicy("old", "Case")
    for count, rows in (("9" * 5_000, 0), ("999", 30), ("²", 0), ("-1", 0)):
        filled = form(bare, sent(form(bare)) | {"condition-rows": count})
        assert len(filled.conditions) == rows


def test_related_records_of_records_that_go_along_are_offered() -> None:
    typed = {"branch-Task.WhatId": "take", "branch-Mail.Case": "", "rule-rows": "2"}
    typed |= {"rule-0-reference": "Order.Case", "rule-0-rule": "take", "rule-1-rule": "stop"}
    takes = [(branch.table, branch.column) for branch in taken_branches(typed)]
    assert takes == [("Task", "WhatId"), ("Order", "Case")]


def test_protections_that_count_no_more_are_chosen() -> None:
    fields = form().fields
    assert [label for _name, label in fields["include"].choices] == [  # type: ignore[attr-defined]
        "Activated orders", "Files that stay in use (files-of-mails)", "unknown",
    ]  # fmt: skip
    typed = sent(form()) | {"include": ["files-of-mails", "activated"]}
    assert typed_policy(typed).include == ("activated", "files-of-mails")
