"""The form for a saved archive policy: the numbers of its conditions, and its schedule."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unlost.app.actions.archive.saved_policies import PolicyRequest, SavedPolicyView
from unlost.model.archive import (
    OLD_VERSIONS_SIZE,
    ArchivePolicy,
    Comparison,
    Condition,
    OldVersionRule,
    ParentPointer,
)
from unlost.model.archive_retention import LONGEST_DAYS
from unlost.model.saved_policy import LARGEST_DAY, USUAL_DAY, WEEK, Weekday

MOST_DAYS = 36_500
LONGEST_NAME = 255  # characters of a column
NUMBER = "condition-"  # begins the names of fields for conditions


class ArchivePolicyForm(forms.Form):
    """A field for each number of the policy's conditions, and its schedule."""

    unchanged_days = forms.IntegerField(
        label=gettext_lazy("Only records that were not changed for (days)"),
        min_value=0,
        max_value=MOST_DAYS,
        help_text=gettext_lazy("0: however recently they were changed."),
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
            "0: for ever. Otherwise at least 30 days. Nothing is deleted automatically, and records "
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
        min_value=1,
        max_value=LARGEST_DAY,
    )
    confirm_large = forms.BooleanField(
        label=gettext_lazy("The policy may archive more than half of a table"), required=False
    )
    # The page writes the present version: after a conflict the person sees how the policy is now.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, policy: ArchivePolicy, saved: SavedPolicyView | None, data: Any = None
    ) -> None:
        super().__init__(data, initial=_initial(policy, saved))
        self.policy = policy
        first = {f"{NUMBER}{at}": _field(test) for at, test in _numbers(policy)}
        self.fields = first | self.fields
        for name, (at, _test) in zip(first, _numbers(policy), strict=True):
            self.initial[name] = _number(policy.conditions[at])

    def clean(self) -> dict[str, Any]:
        """Check that a schedule that is on has days."""
        given = super().clean() or self.cleaned_data
        if given.get("on") and not given.get("days"):
            self.add_error("days", ValidationError(_("Choose at least one day.")))
        named = given.get("pointer_count") or given.get("pointer_link")
        if bool(given.get("pointer_column")) != bool(named):
            missing = "pointer_count" if given.get("pointer_column") else "pointer_column"
            self.add_error(missing, ValidationError(_("Name this column, too.")))
        return given

    def as_request(self) -> PolicyRequest:
        """Return the policy with the typed numbers, and its schedule."""
        given, conditions = self.cleaned_data, list(self.policy.conditions)
        for at, test in _numbers(self.policy):
            value = given[f"{NUMBER}{at}"]
            key = "days" if test.comparison is Comparison.OLDER else "number"
            conditions[at] = replace(test, **{key: value})
        same = tuple(conditions) == self.policy.conditions
        policy = replace(
            self.policy,
            conditions=tuple(conditions),
            unchanged_days=given["unchanged_days"],
            second_copy=given["second_copy"],
            hard_delete=given["hard_delete"],
            pointer=_pointer(given),
            old_versions=_old_versions(given),
            keep_days=given["keep_days"] or 0,
            # A label such as “closed for two years” would not be true any more.
            label=self.policy.label if same else "",
        )
        return PolicyRequest(
            policy,
            tuple(Weekday(day) for day in given["days"]),
            given["on"],
            given["daily_limit"],
            given["confirm_large"],
            given["seen"] or None,
        )


def _old_versions(given: Mapping[str, Any]) -> OldVersionRule:
    return OldVersionRule.FREE if given["free_versions"] else OldVersionRule.LEAVE


def _pointer(given: Mapping[str, Any]) -> ParentPointer | None:
    if not given["pointer_column"]:
        return None
    return ParentPointer(given["pointer_column"], given["pointer_count"], given["pointer_link"])


def _numbers(policy: ArchivePolicy) -> Iterator[tuple[int, Condition]]:
    """Yield the conditions with a number, and their places."""
    for at, test in enumerate(policy.conditions):
        if test.comparison in (Comparison.OLDER, Comparison.LARGER):
            yield at, test


def _number(test: Condition) -> float:
    return test.days if test.comparison is Comparison.OLDER else test.number


def _field(test: Condition) -> forms.Field:
    if test.comparison is Comparison.OLDER:
        label = _("%(column)s: more than this number of days ago") % {"column": test.column}
        return forms.IntegerField(label=label, min_value=1, max_value=MOST_DAYS)
    label = _("%(column)s: more than this number") % {"column": test.column}
    if test.column == OLD_VERSIONS_SIZE:
        label = _("Old versions of a file together: more than this number of bytes")
    return forms.FloatField(label=label, widget=forms.NumberInput(attrs={"step": "any"}))


def _initial(policy: ArchivePolicy, saved: SavedPolicyView | None) -> dict[str, Any]:
    pointer = policy.pointer or ParentPointer("")
    return {
        "unchanged_days": policy.unchanged_days,
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
