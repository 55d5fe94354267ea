"""Conditions of an archive policy as rows of a form: a column, a comparison, and its values."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unlost.app.actions.archive.policy_choices import OfferedColumn, ValueChoice
from unlost.model.archive import Comparison, Condition
from unlost.model.source.schema import WireKind

MOST_ROWS = 30  # conditions of a table or branch, and branches with conditions
MOST_DAYS = 36_500
SHOWN = 20  # values that a help text names
LONGEST = 100_000  # characters of all values of a condition
COMPARISONS = {
    Comparison.OLDER: gettext_lazy("is older than (days)"),
    Comparison.BETWEEN: gettext_lazy("is between two days (such as 2026-01-31)"),
    Comparison.SAME: gettext_lazy("is at the same time as (column)"),
    Comparison.LARGER: gettext_lazy("is larger than"),
    Comparison.IS: gettext_lazy("is one of"),
    Comparison.IS_NOT: gettext_lazy("is none of"),
    Comparison.STARTS: gettext_lazy("starts with one of"),
    Comparison.EMPTY: gettext_lazy("is empty"),
    Comparison.FILLED: gettext_lazy("is not empty"),
}
MISFITS = {
    Comparison.OLDER: gettext_lazy("This comparison is for dates and times only."),
    Comparison.BETWEEN: gettext_lazy("This comparison is for dates and times only."),
    Comparison.SAME: gettext_lazy("This comparison is for dates and times only."),
    Comparison.LARGER: gettext_lazy("This comparison is for numbers only."),
    Comparison.STARTS: gettext_lazy("This comparison is for texts only."),
}
WITHOUT_VALUE = (Comparison.EMPTY, Comparison.FILLED)

type Values = Callable[[str, str], Sequence[ValueChoice]]
"""Returns the records to which a column (table and name) can refer, by name."""


class DraftForm(forms.Form):
    """A form that is not checked while ``draft``: its page only gets other rows."""

    draft = False

    def full_clean(self) -> None:
        """Check all fields, unless this is a draft."""
        if self.draft:
            self._errors = ErrorDict()
            self.cleaned_data = {}
            return
        super().full_clean()


class ConditionForm(DraftForm):
    """A row for a condition. A row without a column is no condition."""

    column = forms.ChoiceField(label=gettext_lazy("Column"), required=False)
    comparison = forms.ChoiceField(
        label=gettext_lazy("Comparison"),
        initial=Comparison.OLDER.value,
        choices=[(each.value, text) for each, text in COMPARISONS.items()],
    )
    value = forms.CharField(
        label=gettext_lazy("Value (several: each in its own line)"),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 1, "dir": "auto"}),
    )

    def __init__(
        self,
        table: str,
        columns: Sequence[OfferedColumn],
        *,
        values: Values,
        condition: Condition | None = None,
        data: Any = None,
        prefix: str,
    ) -> None:
        super().__init__(data, prefix=prefix)
        self.initial = _initial(condition) if condition is not None else {}
        self.table, self.condition, self._values = table, condition, values
        self.offered = {column.name: column for column in columns}
        chosen = str(self["column"].value() or "")
        every = [(column.name, _with_name(column)) for column in columns]
        if chosen and chosen not in self.offered:
            every.append((chosen, _("%(column)s (not in the newest backup)") % {"column": chosen}))
        field = self.fields["column"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "—"), *every]
        self.named = self._choices(self.offered.get(chosen))
        self.fields["value"].help_text = _hint(self.named)
        if condition is not None and condition.values:
            self.initial["value"] = "\n".join(map(self._label, condition.values))

    def _label(self, value: str) -> str:
        """Return the name of a value, if no other value has it."""
        names = [choice.label for choice in self.named if choice.value == value]
        every = [choice.label.casefold() for choice in self.named]
        return names[0] if names and every.count(names[0].casefold()) == 1 else value

    def _choices(self, column: OfferedColumn | None) -> Sequence[ValueChoice]:
        if column is None:
            return ()
        if column.kind is WireKind.BOOLEAN:
            return (ValueChoice("true", _("yes")), ValueChoice("false", _("no")))
        return self._values(self.table, column.name) if column.refers else column.choices

    @property
    def is_blank(self) -> bool:
        """True for a row without a condition."""
        return not self["column"].value()

    def clean(self) -> dict[str, Any]:
        """Check the comparison and the values against the column."""
        given = super().clean() or self.cleaned_data
        name, text = given.get("column"), given.get("value") or ""
        if not name:
            if text.strip():
                self.add_error(
                    "column", ValidationError(_("Choose a column, or delete the value."))
                )
            return given
        column = self.offered.get(name)
        if column is None:
            self.add_error("column", ValidationError(_missing(self.table, name)))
        elif given.get("comparison"):
            self._check(column, Comparison(given["comparison"]), text)
        return given

    def _check(self, column: OfferedColumn, comparison: Comparison, text: str) -> None:
        if comparison not in column.comparisons:
            problem = MISFITS.get(
                comparison, gettext_lazy("This column cannot be compared in this way.")
            )
            self.add_error("comparison", ValidationError(problem))
            return
        try:
            self.cleaned_data["condition"] = self._condition(column, comparison, text)
        except ValidationError as error:
            self.add_error("value", error)

    def _condition(self, column: OfferedColumn, comparison: Comparison, text: str) -> Condition:
        if comparison is Comparison.OLDER:
            return Condition(column.name, comparison, days=_days(text))
        if comparison is Comparison.LARGER:
            return Condition(column.name, comparison, number=_number(text))
        if comparison in WITHOUT_VALUE:
            return Condition(column.name, comparison)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if not lines:
            raise ValidationError(_("Enter at least one value."))
        if comparison is Comparison.BETWEEN:
            return Condition(column.name, comparison, _two_days(lines))
        if comparison is Comparison.SAME:
            return Condition(column.name, comparison, (self._time_column(lines),))
        if comparison is not Comparison.STARTS and column.kind is not WireKind.MULTI:
            lines = [self._value(line, is_open=column.refers) for line in lines]
        return Condition(column.name, comparison, tuple(dict.fromkeys(lines)))

    def _value(self, line: str, *, is_open: bool) -> str:
        """Return the value for a line: a value, or the name of exactly one. An id may be any."""
        before = self.condition.values if self.condition is not None else ()
        values = {choice.value for choice in self.named}
        if not self.named or line in values or line in before:
            return line
        same = {choice.value for choice in self.named if choice.label.casefold() == line.casefold()}
        if len(same) == 1:
            return same.pop()
        if same:
            raise ValidationError(
                _("Several records are named “%(name)s”. Enter an id.") % {"name": line}
            )
        if is_open and " " not in line and any(len(value) == len(line) for value in values):
            return line
        raise ValidationError(_("The column has no value “%(value)s”.") % {"value": line})

    def _time_column(self, lines: Sequence[str]) -> str:
        """Return the other column of times for a line: its name, or its label."""
        times = (each for each in self.offered.values() if Comparison.SAME in each.comparisons)
        names = [each.name for each in times if lines[0] in (each.name, each.label)]
        if len(lines) > 1 or len(names) != 1:
            raise ValidationError(_("Enter the name of one column of dates or times."))
        return names[0]

    def as_condition(self) -> Condition | None:
        """Return the condition of a valid row; None for a blank one."""
        condition = self.cleaned_data.get("condition")
        assert condition is None or isinstance(condition, Condition)
        return condition


class ConditionRows:
    """The conditions of a table in a form: a row for each, and ``blank`` ones for more."""

    def __init__(
        self,
        table: str,
        columns: Sequence[OfferedColumn],
        conditions: Sequence[Condition],
        *,
        values: Values,
        data: Mapping[str, Any] | None,
        prefix: str,
        blank: int,
    ) -> None:
        self.prefix, self.count_name = prefix, f"{prefix}-rows"
        typed = row_count(data, self.count_name) if data is not None else len(conditions)
        self.rows = [
            ConditionForm(
                table,
                columns,
                values=values,
                condition=conditions[at] if at < len(conditions) else None,
                data=data if at < typed else None,
                prefix=f"{prefix}-{at}",
            )
            for at in range(min(typed + blank, MOST_ROWS))
        ]

    def __iter__(self) -> Iterator[ConditionForm]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions of valid rows."""
        each = (row.as_condition() for row in self.rows)
        return tuple(condition for condition in each if condition is not None)


def row_count(data: Mapping[str, Any], name: str) -> int:
    """Return the number of rows that a sent form has; 0 if it is not a number."""
    text = str(data.get(name) or "")
    return min(int(text), MOST_ROWS) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _with_name(column: OfferedColumn) -> str:
    return column.label if column.label == column.name else f"{column.label} ({column.name})"


def _missing(table: str, column: str) -> str:
    names = {"table": table, "column": column}
    return (
        _(
            "%(table)s has no column %(column)s in the newest backup: perhaps it was removed from the org. "
            "Choose another column, or “—”."
        )
        % names
    )


def _hint(choices: Sequence[ValueChoice]) -> str:
    if not choices:
        return ""
    names = ", ".join(choice.label for choice in choices[:SHOWN])
    if len(choices) > SHOWN:
        return _("Values: %(values)s and others.") % {"values": names}
    return _("Values: %(values)s.") % {"values": names}


def _initial(test: Condition) -> dict[str, str]:
    value = "\n".join(test.values)
    if test.comparison is Comparison.OLDER:
        value = str(test.days)
    if test.comparison is Comparison.LARGER:
        value = str(test.number).removesuffix(".0")
    return {"column": test.column, "comparison": test.comparison.value, "value": value}


def _days(text: str) -> int:
    days = text.strip()
    is_number = days.isascii() and days.isdigit() and len(days) <= len(str(MOST_DAYS))
    if not is_number or not 1 <= int(days) <= MOST_DAYS:
        raise ValidationError(
            _("Enter a whole number of days, from 1 to %(most)s.") % {"most": MOST_DAYS}
        )
    return int(days)


def _two_days(lines: Sequence[str]) -> tuple[str, ...]:
    try:
        days = [date.fromisoformat(line) for line in lines]
    except ValueError:
        days = []
    if len(days) != 2 or days[0] > days[1]:
        raise ValidationError(
            _("Enter the first and the last day, such as 2026-01-31, in two lines.")
        )
    return tuple(day.isoformat() for day in days)


def _number(text: str) -> float:
    try:
        number = float(text.strip())
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number <= 0:
        raise ValidationError(_("Enter a number above 0, such as 1000 or 2.5."))
    return number
