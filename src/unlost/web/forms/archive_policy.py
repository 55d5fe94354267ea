"""The form for an archive policy: its conditions, its branches, its options, and its schedule.

A form that adds a row is a draft: it is shown again as typed, and not checked.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unlost.app.actions.archive.policy_choices import OfferedTable, PolicyChoices
from unlost.app.actions.archive.saved_policies import PolicyRequest, SavedPolicyView
from unlost.model.archive import LONGEST_NAME as LONGEST_POLICY
from unlost.model.archive import (
    ArchiveOrder,
    ArchivePolicy,
    OldVersionRule,
    ParentPointer,
)
from unlost.model.archive_retention import LONGEST_DAYS
from unlost.model.saved_policy import LARGEST_DAY, USUAL_DAY, WEEK, Weekday
from unlost.web.forms.archive_branches import BranchRows
from unlost.web.forms.archive_conditions import MOST_DAYS, ConditionRows, DraftForm, Values

LONGEST_NAME = 255  # characters of a column
CONDITION = "condition"  # begins the names of fields for conditions
ADD = "add"  # the button that adds a row
BLANK = 2  # rows for the first conditions of a new policy


class PolicyTableForm(forms.Form):
    """The table of a new policy."""

    table = forms.ChoiceField(label=gettext_lazy("Archive records of"))

    def __init__(self, tables: Collection[OfferedTable], data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["table"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", "—"),
            *((table.name, f"{table.label} ({table.name})") for table in tables),
        ]


class ArchivePolicyForm(DraftForm):
    """The fields of a policy; ``conditions`` and ``branches`` are rows of more.

    ``names``: those that a new policy cannot have; None for a policy that has its name.
    """

    name = forms.CharField(
        label=gettext_lazy("Name of the policy"),
        max_length=LONGEST_POLICY,
        help_text=gettext_lazy("For example old-cases. Commands use this name, too."),
    )
    unchanged_days = forms.IntegerField(
        label=gettext_lazy("Only records that were not changed for (days)"),
        required=False,
        min_value=0,
        max_value=MOST_DAYS,
        help_text=gettext_lazy("Empty or 0: it does not matter when they were changed."),
    )
    unreferenced = forms.BooleanField(
        label=gettext_lazy("Keep records to which others refer"),
        required=False,
        help_text=gettext_lazy("References that have a rule above do not count."),
    )
    order = forms.ChoiceField(
        label=gettext_lazy("Archive first"),
        required=False,
        choices=[
            ("", gettext_lazy("the oldest, if a condition is an age")),
            (ArchiveOrder.OLDEST.value, gettext_lazy("the oldest")),
            (ArchiveOrder.LARGEST.value, gettext_lazy("the largest")),
        ],
        help_text=gettext_lazy("This counts if one day or one plan cannot have all records."),
    )
    include = forms.MultipleChoiceField(
        label=gettext_lazy("Archive these protected records, too"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    second_copy = forms.BooleanField(
        label=gettext_lazy("Archive only records that the mirror of the vault has, too"),
        required=False,
    )
    hard_delete = forms.BooleanField(
        label=gettext_lazy("Delete without the recycle bin"),
        required=False,
        help_text=gettext_lazy(
            "An undo creates these records again, with new ids. The write user needs the permission "
            "to delete without the recycle bin."
        ),
    )
    free_versions = forms.BooleanField(
        label=gettext_lazy("Free the old versions of files"),
        required=False,
        help_text=gettext_lazy(
            "Only for policies of files. A new file with the newest version and the same links takes the "
            "place of each file. It gets a new id."
        ),
    )
    pointer_column = forms.CharField(
        label=gettext_lazy("Column of the archived records that names the record to update"),
        required=False,
        max_length=LONGEST_NAME,
        help_text=gettext_lazy("For example AccountId. Leave it empty to update no record."),
    )
    pointer_count = forms.CharField(
        label=gettext_lazy("In the updated record: column for the number of archived records"),
        required=False,
        max_length=LONGEST_NAME,
    )
    pointer_link = forms.CharField(
        label=gettext_lazy("In the updated record: column for the link to them"),
        required=False,
        max_length=LONGEST_NAME,
    )
    keep_days = forms.IntegerField(
        label=gettext_lazy("Keep archived records at least (days)"),
        required=False,
        min_value=0,
        max_value=LONGEST_DAYS,
        help_text=gettext_lazy(
            "Empty or 0: for ever. Otherwise at least 30 days. Nothing is deleted automatically, and records "
            "that are already archived keep their period."
        ),
    )
    on = forms.BooleanField(label=gettext_lazy("Archive after scheduled backups"), required=False)
    days = forms.MultipleChoiceField(
        label=gettext_lazy("After the backups of these days"),
        required=False,
        choices=[(day.value, WEEKDAYS[number]) for number, day in enumerate(WEEK)],
        widget=forms.CheckboxSelectMultiple,
    )
    daily_limit = forms.IntegerField(
        label=gettext_lazy("Records that the schedule archives on one day, at most"),
        required=False,
        min_value=1,
        max_value=LARGEST_DAY,
        help_text=gettext_lazy("Empty: 1,000."),
    )
    confirm_large = forms.BooleanField(
        label=gettext_lazy("The policy may archive more than half of a table"), required=False
    )
    # The page writes the present version: after a conflict the person sees how the policy is now.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        policy: ArchivePolicy,
        saved: SavedPolicyView | None,
        *,
        choices: PolicyChoices,
        values: Values,
        names: Collection[str] | None = None,
        data: Any = None,
    ) -> None:
        super().__init__(data, initial=_initial(policy, saved))
        add = str(data.get(ADD) or "") if data is not None else ""
        self.policy, self.draft, self.names = policy, bool(add), names
        if names is None:
            del self.fields["name"]
        self._offer(choices)
        blank = max(BLANK - len(policy.conditions), 0) if data is None else int(add == CONDITION)
        self.conditions = ConditionRows(
            policy.table,
            choices.columns_of(policy.table),
            policy.conditions,
            values=values,
            data=data,
            prefix=CONDITION,
            blank=blank,
        )
        self.branches = BranchRows(policy, choices, values=values, data=data, add=add)
        for form in self.parts():
            form.draft = self.draft

    def _offer(self, choices: PolicyChoices) -> None:
        """Offer the protections of the org, and those that the policy has."""
        words = {
            each.name: _(each.label) if each.label else _releases(each.name)
            for each in choices.protections
        }
        field = self.fields["include"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [
            (name, words.get(name, name)) for name in dict.fromkeys((*words, *self.policy.include))
        ]
        if not field.choices:
            del self.fields["include"]
        if not choices.versions and not self.policy.frees_versions:
            del self.fields["free_versions"]

    def parts(self) -> Iterator[DraftForm]:
        """Yield the forms of all rows."""
        yield from self.conditions
        yield from self.branches.forms()

    def is_valid(self) -> bool:
        """Check all rows, too; a draft is not valid."""
        if self.draft or not self.is_bound:
            return False
        valid = [form.is_valid() for form in self.parts()]
        if all(valid):
            self.branches.check()
        return super().is_valid() and not self.has_errors

    @property
    def has_errors(self) -> bool:
        """True if a field or a row has an error."""
        return bool(self.errors) or any(form.errors for form in self.parts())

    def clean(self) -> dict[str, Any]:
        """Check that a schedule that is on has days."""
        given = super().clean() or self.cleaned_data
        if given.get("on") and not given.get("days"):
            self.add_error("days", ValidationError(_("Choose at least one day.")))
        named = given.get("pointer_count") or given.get("pointer_link")
        if bool(given.get("pointer_column")) != bool(named):
            missing = "pointer_count" if given.get("pointer_column") else "pointer_column"
            self.add_error(missing, ValidationError(_("Name this column, too.")))
        if given.get("name") in (self.names or ()):
            self.add_error("name", ValidationError(_("There is already a policy of this name.")))
        return given

    def as_policy(self) -> ArchivePolicy:
        """Return the typed policy."""
        given, before = self.cleaned_data, self.policy
        conditions, branches = self.conditions.conditions(), self.branches.as_branches()
        same = (conditions, branches) == (before.conditions, before.branches)
        return replace(
            before,
            name=given.get("name", before.name),
            conditions=conditions,
            branches=branches,
            unchanged_days=given["unchanged_days"] or 0,
            unreferenced=given["unreferenced"],
            order=ArchiveOrder(given["order"]) if given["order"] else None,
            include=_included(before, given.get("include", ())),
            second_copy=given["second_copy"],
            hard_delete=given["hard_delete"],
            pointer=_pointer(given),
            old_versions=_old_versions(given),
            keep_days=given["keep_days"] or 0,
            # A label such as “closed for two years” would not be true any more.
            label=before.label if same else "",
        )

    def as_request(self) -> PolicyRequest:
        """Return the typed policy, and its schedule."""
        given = self.cleaned_data
        return PolicyRequest(
            self.as_policy(),
            tuple(Weekday(day) for day in given["days"]),
            given["on"],
            given["daily_limit"] or USUAL_DAY,
            given["confirm_large"],
            given["seen"] or None,
        )


def _old_versions(given: Mapping[str, Any]) -> OldVersionRule:
    return OldVersionRule.FREE if given.get("free_versions") else OldVersionRule.LEAVE


def _pointer(given: Mapping[str, Any]) -> ParentPointer | None:
    if not given["pointer_column"]:
        return None
    return ParentPointer(given["pointer_column"], given["pointer_count"], given["pointer_link"])


def _included(before: ArchivePolicy, names: Collection[str]) -> tuple[str, ...]:
    """Return the included protections, in the order of the policy."""
    same = [name for name in before.include if name in names]
    return (*same, *(name for name in names if name not in same))


def _releases(name: str) -> str:
    return _("Files that stay in use (%(name)s)") % {"name": name}


def _initial(policy: ArchivePolicy, saved: SavedPolicyView | None) -> dict[str, Any]:
    pointer = policy.pointer or ParentPointer("")
    return {
        "name": policy.name,
        "unchanged_days": policy.unchanged_days,
        "unreferenced": policy.unreferenced,
        "order": policy.order.value if policy.order is not None else "",
        "include": list(policy.include),
        "second_copy": policy.second_copy,
        "hard_delete": policy.hard_delete,
        "free_versions": policy.frees_versions,
        "pointer_column": pointer.column,
        "pointer_count": pointer.count,
        "pointer_link": pointer.link,
        "keep_days": policy.keep_days,
        "on": saved is not None and saved.on,
        "days": list(saved.days if saved is not None and saved.days else WEEK),
        "daily_limit": saved.daily_limit if saved is not None else USUAL_DAY,
        "confirm_large": saved is not None and saved.may_be_large,
    }
