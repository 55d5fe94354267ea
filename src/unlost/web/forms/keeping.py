"""Forms for retention rules and legal holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from unlost.app.actions.retention.holds import HoldRequest
from unlost.app.actions.retention.keeping import RetentionChange
from unlost.catalog.vault.keeping import LARGEST, NUMBERS
from unlost.model.vault.retention import PRESETS, KeepPreset, KeepRules

ORG, TABLE, RECORD, NIGHT = "org", "table", "record", "night"


def _number(label: Any, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=0, max_value=LARGEST, required=False, help_text=help_text
    )


class KeepForm(forms.Form):
    """The retention rules; if all are empty or 0, every backup is kept."""

    days = _number(_("Keep all backups of the last days"), _("0 turns a rule off."))
    daily = _number(_("Days with one backup each"))
    weekly = _number(_("Weeks with one backup each"))
    monthly = _number(_("Months with one backup each"))
    yearly = _number(_("Years with one backup each"))
    deleted_days = _number(
        _("The last state of deleted records, in days"),
        _("How long it is kept after no kept backup contains the record; 0: for ever."),
    )

    def as_request(self) -> RetentionChange:
        """Return the typed rules; an empty field switches its rule off."""
        typed: dict[str, Any] = {name: self.cleaned_data[name] or 0 for name in NUMBERS}
        return RetentionChange(**typed)


PRESET_NAMES: Mapping[KeepPreset, Any] = {
    KeepPreset.QUARTER: _("90 days daily"),
    KeepPreset.STANDARD: _("30 days daily, 12 months monthly, 7 years yearly"),
    KeepPreset.GRADUAL: _("all backups of 14 days, 8 weeks weekly, 24 months monthly"),
    KeepPreset.DECADE: _("366 days daily, 10 years yearly"),
}


@dataclass(frozen=True, slots=True)
class PresetChoice:
    """A preset to choose: its name for people, and its rules as the query of the page.

    ``current``: these rules are set.
    """

    label: Any
    query: str
    current: bool


def preset_choices(rules: KeepRules) -> list[PresetChoice]:
    """Return the presets to choose; the limit for deleted records stays as it is in these rules."""
    return [_choice(preset, rules) for preset in KeepPreset]


def _choice(preset: KeepPreset, rules: KeepRules) -> PresetChoice:
    chosen = PRESETS[preset].limited_as(rules)
    numbers = {name: getattr(chosen, name) for name in NUMBERS}
    return PresetChoice(PRESET_NAMES[preset], urlencode(numbers), chosen == rules)


class HoldForm(forms.Form):
    """A legal hold: its target, reason and end."""

    what = forms.ChoiceField(
        label=_("Data to hold"),
        choices=[
            (RECORD, _("a record")),
            (TABLE, _("all records of a table")),
            (NIGHT, _("a backup")),
            (ORG, _("the entire org")),
        ],
    )
    which = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=400,
        widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
        help_text=_("A record as TABLE/ID, a table by its API name, or a backup by its number."),
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=400)
    until = forms.CharField(
        label=_("Last day"),
        required=False,
        max_length=10,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: until it is lifted."),
    )

    def clean_which(self) -> str:
        """Check that a backup is given by its number."""
        which = str(self.cleaned_data["which"]).strip()
        if self.cleaned_data.get("what") == NIGHT and not which.isdecimal():
            raise forms.ValidationError(_("Enter the number of a backup."))
        return which

    def as_request(self) -> HoldRequest:
        """Return the request for the action."""
        given = self.cleaned_data
        what, which = given["what"], given["which"]
        return HoldRequest(
            table=which if what == TABLE else "",
            record=which if what == RECORD else "",
            night=int(which) if what == NIGHT else None,
            everything=what == ORG,
            reason=given["reason"],
            until=given["until"],
        )
