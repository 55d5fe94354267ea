"""Branches of an archive policy in a form: a rule for each reference, and rules with conditions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unlost.app.actions.archive.policy_choices import OfferedReference, PolicyChoices
from unlost.model.archive import ArchiveBranch, ArchivePolicy, BranchRule
from unlost.model.source.schema import DeleteRule
from unlost.web.forms.archive_conditions import (
    MOST_ROWS,
    ConditionRows,
    DraftForm,
    Values,
    row_count,
)

RULES, PLAIN, NEW = "rule", "branch", "new_rule"  # begin the names of fields
WORDS = {
    BranchRule.TAKE: gettext_lazy("they go along"),
    BranchRule.LEAVE: gettext_lazy("they stay, and lose the reference"),
    BranchRule.STOP: gettext_lazy("the record that they refer to stays"),
}
EFFECTS = {
    DeleteRule.CASCADE: gettext_lazy("usual: they go along, because the org deletes them"),
    DeleteRule.RESTRICT: gettext_lazy(
        "usual: the org does not delete the record that they refer to"
    ),
}
USUAL = gettext_lazy("usual: they stay, and lose the reference")
CASCADES = gettext_lazy(
    "The org deletes these records together with the record that they refer to."
)


class RuleForm(DraftForm):
    """The rule for records that refer to one that goes and meet conditions."""

    reference = forms.CharField(widget=forms.HiddenInput)
    rule = forms.ChoiceField(
        label=gettext_lazy("If there are such records"),
        required=False,
        choices=[
            *(
                (each.value, WORDS[each])
                for each in (BranchRule.STOP, BranchRule.TAKE, BranchRule.LEAVE)
            ),
            ("", gettext_lazy("remove this rule")),
        ],
    )


class RuleRow:
    """A rule with its conditions; None as ``offered``: no such reference to a record that goes."""

    def __init__(
        self,
        at: int,
        branch: ArchiveBranch,
        choices: PolicyChoices,
        *,
        values: Values,
        data: Mapping[str, Any] | None,
        blank: int,
    ) -> None:
        prefix = f"{RULES}-{at}"
        typed = data if data is not None and f"{prefix}-reference" in data else None
        self.at, self.key = at, key_of(branch.table, branch.column)
        self.form = RuleForm(
            typed, prefix=prefix, initial={"reference": self.key, "rule": branch.rule.value}
        )
        self.branch = branch
        if typed is not None:
            self.key = str(self.form["reference"].value())
        self.offered = reference_of(choices, self.key)
        self.table, _point, self.column = self.key.rpartition(".")
        self.conditions = ConditionRows(
            self.table,
            choices.columns_of(self.table),
            branch.conditions,
            values=values,
            data=typed,
            prefix=prefix,
            blank=blank,
        )

    @property
    def title(self) -> str:
        """The table and column in words."""
        return _title(self.offered) if self.offered is not None else self.key

    def forms(self) -> Iterator[DraftForm]:
        """Yield the forms of the row; without those of its conditions if it goes."""
        yield self.form
        if self.form["rule"].value():
            yield from self.conditions

    def check(self) -> None:
        """Add the errors that a valid row can have as a whole."""
        rule = self.form.cleaned_data.get("rule")
        if not rule or any(row.errors for row in self.conditions):
            return
        if self.offered is None:
            self.form.add_error("rule", ValidationError(_unoffered(self.key)))
        elif rule == BranchRule.LEAVE and self.offered.effect is DeleteRule.CASCADE:
            self.form.add_error("rule", ValidationError(CASCADES))
        elif not self.conditions.conditions():
            self.form.add_error("rule", ValidationError(_("This rule needs a condition.")))

    def as_branch(self) -> ArchiveBranch | None:
        """Return the branch of a valid row; None if it goes."""
        rule = self.form.cleaned_data["rule"]
        if not rule:
            return None
        return ArchiveBranch(
            self.table, self.column, BranchRule(rule), self.conditions.conditions()
        )


class PlainBranches(DraftForm):
    """A rule for each reference to a record that goes, without conditions."""

    def __init__(
        self, policy: ArchivePolicy, choices: PolicyChoices, data: Mapping[str, Any] | None
    ) -> None:
        super().__init__(data)
        self.offered = {key_of(each.table, each.column): each for each in choices.references}
        rules = {
            key_of(branch.table, branch.column): branch.rule.value
            for branch in reversed(policy.branches)
            if not branch.conditions
        }
        typed = [] if data is None else [name for name in data if name.startswith(f"{PLAIN}-")]
        keys = dict.fromkeys((*self.offered, *rules, *(name[len(PLAIN) + 1 :] for name in typed)))
        for key in keys:
            self.fields[f"{PLAIN}-{key}"] = _field(key, self.offered.get(key))
            self.initial[f"{PLAIN}-{key}"] = rules.get(key, "")

    @property
    def is_used(self) -> bool:
        """True if a reference has another rule than the usual one."""
        return any(self[name].value() for name in self.fields)

    def clean(self) -> dict[str, Any]:
        """Check that each reference leads to a record that goes, and may stay."""
        given = super().clean() or self.cleaned_data
        for name, rule in list(given.items()):
            key = name[len(PLAIN) + 1 :]
            if rule and key not in self.offered:
                self.add_error(name, ValidationError(_unoffered(key)))
        return given

    def branches(self) -> Iterator[ArchiveBranch]:
        """Yield the branches of a valid form."""
        for name, rule in self.cleaned_data.items():
            if rule:
                table, _point, column = name[len(PLAIN) + 1 :].rpartition(".")
                yield ArchiveBranch(table, column, BranchRule(rule))


class BranchRows:
    """All branches of a policy in a form."""

    def __init__(
        self,
        policy: ArchivePolicy,
        choices: PolicyChoices,
        *,
        values: Values,
        data: Mapping[str, Any] | None,
        add: str = "",
    ) -> None:
        self.policy, self.count_name = policy, f"{RULES}-rows"
        stored = tuple(_with_conditions(policy))
        count = row_count(data, self.count_name) if data is not None else len(stored)
        branches = list(stored[:count])
        branches += [ArchiveBranch("", "", BranchRule.STOP)] * (count - len(branches))
        new = str(data.get(NEW) or "") if data is not None and add == RULES else ""
        if new and count < MOST_ROWS:
            table, _point, column = new.rpartition(".")
            branches.append(ArchiveBranch(table, column, BranchRule.STOP))
        self.rules = [
            RuleRow(
                at,
                branch,
                choices,
                values=values,
                data=data,
                blank=int(add == f"{RULES}-{at}" or at >= count),
            )
            for at, branch in enumerate(branches)
        ]
        self.plain = PlainBranches(policy, choices, data)
        self.references = tuple(
            (key_of(each.table, each.column), _title(each)) for each in choices.references
        )

    def forms(self) -> Iterator[DraftForm]:
        """Yield all forms of the branches."""
        yield self.plain
        for row in self.rules:
            yield from row.forms()

    def check(self) -> None:
        """Add the errors that valid rows can have as a whole."""
        for row in self.rules:
            row.check()

    def as_branches(self) -> tuple[ArchiveBranch, ...]:
        """Return the branches: those with conditions first, in the order of the policy."""
        given = [branch for row in self.rules if (branch := row.as_branch()) is not None]
        given += self.plain.branches()
        places = [key_of(branch.table, branch.column) for branch in self.policy.branches]

        def place(branch: ArchiveBranch) -> int:
            key = key_of(branch.table, branch.column)
            return places.index(key) if key in places else len(places)

        return tuple(sorted(given, key=place))


def taken_branches(data: Mapping[str, Any]) -> Sequence[ArchiveBranch]:
    """Return the references of a sent form whose records go along, whatever else it says."""
    keys = [
        name[len(PLAIN) + 1 :]
        for name in data
        if name.startswith(f"{PLAIN}-") and data[name] == BranchRule.TAKE
    ]
    keys += [
        str(data.get(f"{RULES}-{at}-reference") or "")
        for at in range(row_count(data, f"{RULES}-rows"))
        if data.get(f"{RULES}-{at}-rule") == BranchRule.TAKE
    ]
    pairs = (key.rpartition(".") for key in keys)
    return [ArchiveBranch(table, column, BranchRule.TAKE) for table, _point, column in pairs]


def key_of(table: str, column: str) -> str:
    """Return the name of a reference in a form."""
    return f"{table}.{column}"


def reference_of(choices: PolicyChoices, key: str) -> OfferedReference | None:
    """Return the reference with this name, or None."""
    every = choices.references
    return next((each for each in every if key_of(each.table, each.column) == key), None)


def _with_conditions(policy: ArchivePolicy) -> Iterator[ArchiveBranch]:
    """Yield the branches with conditions, without those after one that always applies."""
    settled = set()
    for branch in policy.branches:
        key = key_of(branch.table, branch.column)
        if not branch.conditions:
            settled.add(key)
        elif key not in settled:
            yield branch


def _title(reference: OfferedReference) -> str:
    return f"{reference.label}: {reference.column_label} ({reference.table}.{reference.column})"


def _field(key: str, offered: OfferedReference | None) -> forms.ChoiceField:
    effect = offered.effect if offered is not None else DeleteRule.UNKNOWN
    rules = [
        rule for rule in WORDS if rule is not BranchRule.LEAVE or effect is not DeleteRule.CASCADE
    ]
    return forms.ChoiceField(
        label=_title(offered) if offered is not None else key,
        required=False,
        choices=[("", EFFECTS.get(effect, USUAL)), *((rule.value, WORDS[rule]) for rule in rules)],
    )


def _unoffered(key: str) -> str:
    return _(
        "%(reference)s refers to no record that goes: perhaps it was removed from the org. Choose the "
        "usual rule, or remove this one."
    ) % {"reference": key}
