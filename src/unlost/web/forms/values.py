"""The form to edit a record's values before a restore."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from unlost.app.actions.restores.edit_plan import PlannedField, PlannedFields
from unlost.app.restores.overrides import read_value
from unlost.model.errors import UsageError
from unlost.model.source.schema import WireKind
from unlost.web.translate import error_text

LONG = 255  # characters; longer texts get several lines
VALUE, EMPTY = "value-", "empty-"
HINTS = {
    WireKind.DATE: _("Such as 2026-03-04."),
    WireKind.INSTANT: _("Such as 2026-03-04T14:30, in the org's own time zone."),
    WireKind.TIME: _("Such as 14:30:00."),
    WireKind.MULTI: _("Several values are separated by ;"),
    WireKind.REFERENCE: _("The name, number or id of a record."),
}


class ValuesForm(forms.Form):
    """A field for each column that can be set, and a checkbox that empties it."""

    def __init__(self, fields: PlannedFields, data: Any = None) -> None:
        super().__init__(data)
        self.planned = fields
        for field in fields.fields:
            self.fields[VALUE + field.name] = value_field(field)
            if field.value is not None:
                self.fields[EMPTY + field.name] = forms.BooleanField(
                    label=_("Leave %(field)s empty") % {"field": field.label}, required=False
                )

    def rows(self) -> Iterator[tuple[PlannedField, forms.BoundField, forms.BoundField | None]]:
        """Yield each column with its field and its checkbox."""
        for field in self.planned.fields:
            checkbox = EMPTY + field.name
            yield (
                field,
                self[VALUE + field.name],
                self[checkbox] if checkbox in self.fields else None,
            )

    def clean(self) -> dict[str, Any]:
        """Check that each value is valid for its column."""
        given = super().clean() or self.cleaned_data
        for field in self.planned.fields:
            text = given.get(VALUE + field.name)
            if text and not given.get(EMPTY + field.name):
                self._check(field, text)
        return given

    def _check(self, field: PlannedField, text: str) -> None:
        if field.means(text):
            return
        try:
            read_value(field.column, text, zone=self.planned.zone)
        except UsageError as error:
            self.add_error(VALUE + field.name, error_text(error))

    def values(self) -> Mapping[str, str | None]:
        """Return the typed values by column; None empties a column."""
        given = self.cleaned_data
        return {
            field.name: None
            if given.get(EMPTY + field.name)
            else given.get(VALUE + field.name) or None
            for field in self.planned.fields
        }


def value_field(field: PlannedField) -> forms.CharField:
    """Return the field in which a value of a column is typed."""
    return forms.CharField(
        label=field.label,
        initial=field.value.lower()
        if field.value and field.kind is WireKind.BOOLEAN
        else field.value,
        required=False,
        strip=False,
        widget=_widget(field),
        help_text=_help(field),
    )


def _widget(field: PlannedField) -> forms.Widget:
    choices = ("true", "false") if field.kind is WireKind.BOOLEAN else field.choices
    if choices and field.kind is not WireKind.MULTI:
        odd_values = [field.value] if field.value and field.value.lower() not in choices else []
        odd_values = [value for value in odd_values if value not in choices]
        words = {"true": _("yes"), "false": _("no")} if field.kind is WireKind.BOOLEAN else {}
        every = [
            ("", _("empty")),
            *((value, words.get(value, value)) for value in (*odd_values, *choices)),
        ]
        return forms.Select(choices=every)
    if field.kind is WireKind.DATE:
        return forms.TextInput(attrs={"type": "date"})
    if field.kind is WireKind.TEXT and (field.length > LONG or "\n" in (field.value or "")):
        return forms.Textarea(attrs={"rows": 5, "dir": "auto"})
    plain = field.kind in (WireKind.TEXT, WireKind.MULTI)
    return forms.TextInput(attrs={"dir": "auto" if plain else "ltr", "autocomplete": "off"})


def _help(field: PlannedField) -> str:
    """Return the help text of a field: its format, the referenced record, and the old value."""
    hints = [str(HINTS.get(field.kind, "")) if field.kind is not WireKind.DATE else ""]
    if field.target:
        hints.append(_("Now: %(name)s.") % {"name": field.target})
    if field.was != field.value:
        was = field.was if field.was is not None else _("empty")
        hints.append(_("It was: %(value)s") % {"value": was[:LONG]})
    return " ".join(part for part in hints if part)
