"""The form of a record's values: what it shall come back with, field by field."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from unlost.app.actions.restores.edit_plan import PlannedField, PlannedFields
from unlost.app.restores.overrides import read_value
from unlost.model.errors import UsageError
from unlost.model.schema import WireKind
from unlost.web.said import told

LONG = 255  # characters from which on a text gets several lines
VALUE, EMPTY = "value-", "empty-"
HINTS = {
    WireKind.DATE: _("Such as 2026-03-04."),
    WireKind.INSTANT: _("Such as 2026-03-04T14:30, in the org's own time zone."),
    WireKind.TIME: _("Such as 14:30:00."),
    WireKind.MULTI: _("Several values are separated by ;"),
    WireKind.REFERENCE: _("The id of a record."),
}


class ValuesForm(forms.Form):
    """A field for each column that can be set, and a tick that empties it."""

    def __init__(self, found: PlannedFields, data: Any = None) -> None:
        super().__init__(data)
        self.found = found
        for one in found.fields:
            self.fields[VALUE + one.name] = _field(one)
            if one.value is not None:
                self.fields[EMPTY + one.name] = forms.BooleanField(
                    label=_("Leave %(field)s empty") % {"field": one.label}, required=False
                )

    def rows(self) -> Iterator[tuple[PlannedField, forms.BoundField, forms.BoundField | None]]:
        """Each column with its field and its tick."""
        for one in self.found.fields:
            tick = EMPTY + one.name
            yield one, self[VALUE + one.name], self[tick] if tick in self.fields else None

    def clean(self) -> dict[str, Any]:
        """Whether each value can be one of its column."""
        given = super().clean() or self.cleaned_data
        for one in self.found.fields:
            text = given.get(VALUE + one.name)
            if text and not given.get(EMPTY + one.name):
                self._check(one, text)
        return given

    def _check(self, one: PlannedField, text: str) -> None:
        if one.means(text):
            return
        try:
            read_value(one.column, text, zone=self.found.zone)
        except UsageError as error:
            self.add_error(VALUE + one.name, told(error))

    def values(self) -> Mapping[str, str | None]:
        """What was typed, by column; None for what shall be empty."""
        given = self.cleaned_data
        return {
            one.name: None if given.get(EMPTY + one.name) else given.get(VALUE + one.name) or None
            for one in self.found.fields
        }


def _field(one: PlannedField) -> forms.CharField:
    return forms.CharField(
        label=one.label,
        initial=one.value.lower() if one.value and one.kind is WireKind.BOOLEAN else one.value,
        required=False,
        strip=False,
        widget=_widget(one),
        help_text=_help(one),
    )


def _widget(one: PlannedField) -> forms.Widget:
    choices = ("true", "false") if one.kind is WireKind.BOOLEAN else one.choices
    if choices and one.kind is not WireKind.MULTI:
        own = [one.value] if one.value and one.value.lower() not in choices else []
        own = [value for value in own if value not in choices]
        words = {"true": _("yes"), "false": _("no")} if one.kind is WireKind.BOOLEAN else {}
        every = [
            ("", _("empty")),
            *((value, words.get(value, value)) for value in (*own, *choices)),
        ]
        return forms.Select(choices=every)
    if one.kind is WireKind.DATE:
        return forms.TextInput(attrs={"type": "date"})
    if one.kind is WireKind.TEXT and (one.length > LONG or "\n" in (one.value or "")):
        return forms.Textarea(attrs={"rows": 5, "dir": "auto"})
    plain = one.kind in (WireKind.TEXT, WireKind.MULTI)
    return forms.TextInput(attrs={"dir": "auto" if plain else "ltr", "autocomplete": "off"})


def _help(one: PlannedField) -> str:
    """What stands below a field: its form, whom it names, and what it was."""
    told = [str(HINTS.get(one.kind, "")) if one.kind is not WireKind.DATE else ""]
    if one.target:
        told.append(_("Now: %(name)s.") % {"name": one.target})
    if one.was != one.value:
        was = one.was if one.was is not None else _("empty")
        told.append(_("It was: %(value)s") % {"value": was[:LONG]})
    return " ".join(part for part in told if part)
