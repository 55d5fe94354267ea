"""The form that corrects a record: for each column the present value, an earlier one, or another."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unlost.app.actions.restores.correct import (
    ColumnVersion,
    CorrectableField,
    CorrectableRecord,
    Corrections,
)
from unlost.app.actions.restores.edit_plan import PlannedField
from unlost.app.records.readable import readable
from unlost.app.restores.overrides import read_value
from unlost.model.errors import UsageError
from unlost.model.source.schema import WireKind
from unlost.web.forms.values import VALUE, value_field
from unlost.web.translate import error_text

PICK = "pick-"
STAYS, TYPED, EMPTY = "", "typed", "empty"
SHOWN = 200  # characters of a value


class CorrectionForm(forms.Form):
    """For each column that can be set: a choice among its versions, and a field for another value."""

    beside = forms.BooleanField(
        label=gettext_lazy("Create a new record with these values, beside the present one"),
        required=False,
    )

    def __init__(
        self,
        record: CorrectableRecord,
        data: Any = None,
        *,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.record = record
        for field in record.fields:
            self.fields[PICK + field.name] = forms.ChoiceField(
                label=field.label,
                choices=list(_choices(field, record.zone)),
                required=False,
                widget=forms.RadioSelect,
            )
            typed = value_field(_planned(field))
            typed.label = _("Another value of %(field)s") % {"field": field.label}
            self.fields[VALUE + field.name] = typed

    def rows(
        self, *, changed: bool
    ) -> Iterator[tuple[CorrectableField, forms.BoundField, forms.BoundField]]:
        """Yield the columns that have earlier values, or the others, with their two fields."""
        for field in self.record.fields:
            if bool(field.versions) is changed:
                yield field, self[PICK + field.name], self[VALUE + field.name]

    def changed_rows(self) -> list[tuple[CorrectableField, forms.BoundField, forms.BoundField]]:
        """Return the columns that have earlier values."""
        return list(self.rows(changed=True))

    def other_rows(self) -> list[tuple[CorrectableField, forms.BoundField, forms.BoundField]]:
        """Return the columns that always had the same value."""
        return list(self.rows(changed=False))

    def clean(self) -> dict[str, Any]:
        """Check each typed value, and that it stands alone."""
        given = super().clean() or self.cleaned_data
        for field in self.record.fields:
            text = given.get(VALUE + field.name)
            if text and given.get(PICK + field.name) not in (STAYS, TYPED, None):
                self.add_error(
                    VALUE + field.name, _("Choose a value above or enter one here, not both.")
                )
            elif text:
                self._check(field, text)
        return given

    def _check(self, field: CorrectableField, text: str) -> None:
        try:
            read_value(_planned(field).column, text, zone=self.record.zone)
        except UsageError as error:
            self.add_error(VALUE + field.name, error_text(error))

    def chosen(self) -> Corrections:
        """Return the chosen values by column."""
        versions: dict[str, str] = {}
        values: dict[str, str | None] = {}
        for field in self.record.fields:
            pick = self.cleaned_data.get(PICK + field.name) or STAYS
            text = self.cleaned_data.get(VALUE + field.name) or ""
            if pick == EMPTY:
                values[field.name] = None
            elif text:
                values[field.name] = text
            elif pick not in (STAYS, TYPED):
                versions[field.name] = pick
        return Corrections(versions, values)


def earlier_values(record: CorrectableRecord, until: str) -> Mapping[str, str]:
    """Return the choice of the values that columns had until a change of the history."""
    return {
        PICK + field.name: until
        for field in record.fields
        if any(version.until.isoformat() == until for version in field.versions)
    }


def _choices(field: CorrectableField, zone: str) -> Iterator[tuple[str, str]]:
    shown = _shown(field, field.value, field.means, zone)
    yield STAYS, _("Newest backup: %(value)s") % {"value": shown}
    for version in field.versions:
        yield version.until.isoformat(), _version(field, version, zone)
    if field.value is not None and all(version.value is not None for version in field.versions):
        yield EMPTY, _("Empty")
    yield TYPED, _("Another value:")


def _version(field: CorrectableField, version: ColumnVersion, zone: str) -> str:
    names = {
        "value": _shown(field, version.value, version.means, zone),
        "time": _time(version, zone),
        "name": version.changed_by,
    }
    if version.changed_by:
        return _("%(value)s (until %(time)s, changed by %(name)s)") % names
    return _("%(value)s (until %(time)s)") % names


def _time(version: ColumnVersion, zone: str) -> str:
    return readable(version.until.isoformat(), WireKind.INSTANT, zone=zone)


def _shown(field: CorrectableField, value: str | None, means: str, zone: str) -> str:
    if value is None:
        return _("empty")
    if field.kind is WireKind.BOOLEAN:
        return {"true": _("yes"), "false": _("no")}.get(value.lower(), value)
    text = means or readable(value, field.kind, zone=zone)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _planned(field: CorrectableField) -> PlannedField:
    """Return the column as the form for typed values knows it, without a value in it."""
    return PlannedField(
        field.name, field.label, field.kind, field.length, field.choices, was=None, value=None
    )
