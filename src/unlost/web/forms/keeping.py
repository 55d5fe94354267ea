"""Forms for retention rules and legal holds."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from unlost.app.actions.retention.holds import HoldRequest
from unlost.app.actions.retention.keeping import RetentionChange
from unlost.catalog.keeping import LARGEST, NUMBERS

ORG, TABLE, RECORD, NIGHT = "org", "table", "record", "night"


def _number(label: Any, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=0, max_value=LARGEST, required=False, help_text=help_text
    )


class KeepForm(forms.Form):
    """The retention rules; if all are empty or 0, every backup is kept."""

    days = _number(_("All backups of the last days"), _("0 switches a rule off."))
    daily = _number(_("The last good night of each of so many days"))
    weekly = _number(_("The last good night of each of so many weeks"))
    monthly = _number(_("The last good night of each of so many months"))
    yearly = _number(_("The last good night of each of so many years"))
    deleted_days = _number(
        _("The last state of deleted records, in days"),
        _("For so long it is kept although no night shows the record any more; 0: for ever."),
    )

    def wish(self) -> RetentionChange:
        """Return the typed rules; an empty field switches its rule off."""
        typed: dict[str, Any] = {name: self.cleaned_data[name] or 0 for name in NUMBERS}
        return RetentionChange(**typed)


class HoldForm(forms.Form):
    """A legal hold: its target, reason and end."""

    what = forms.ChoiceField(
        label=_("What to hold"),
        choices=[
            (RECORD, _("a record")),
            (TABLE, _("all records of a table")),
            (NIGHT, _("a backup")),
            (ORG, _("everything of the org")),
        ],
    )
    which = forms.CharField(
        label=_("Which one"),
        required=False,
        max_length=400,
        widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
        help_text=_(
            "A record as TABLE/ID, a table by its name of the API, a backup by its number."
        ),
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=400)
    until = forms.CharField(
        label=_("Last day"),
        required=False,
        max_length=10,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Empty: it lasts until it is lifted."),
    )

    def clean_which(self) -> str:
        """Check that a backup is given by its number."""
        which = str(self.cleaned_data["which"]).strip()
        if self.cleaned_data.get("what") == NIGHT and not which.isdecimal():
            raise forms.ValidationError(_("Give the number of a backup."))
        return which

    def wish(self) -> HoldRequest:
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
