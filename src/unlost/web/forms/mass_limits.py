"""The form for the thresholds above which mass changes are reported immediately."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from unlost.app.actions.alerts.mass_changes import LARGEST_ROWS
from unlost.app.actions.orgs.tables import StoredTable
from unlost.model.mass_changes import MassLimits

AUTOMATIC, ALWAYS, NEVER = "", "yes", "no"
WATCHED = {AUTOMATIC: None, ALWAYS: True, NEVER: False}
ROWS = (
    "lost_rows",
    "bin_rows",
    "below_rows",
    "column_rows",
    "created_rows",
    "transferred_rows",
)
SHARES = ("lost_share", "column_share", "created_share", "transferred_share")


def _rows(label: Any, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=LARGEST_ROWS, help_text=help_text)


def _percent(label: Any) -> forms.FloatField:
    return forms.FloatField(
        label=label, min_value=0, max_value=100, widget=forms.NumberInput(attrs={"step": "any"})
    )


class MassLimitsForm(forms.Form):
    """The thresholds of a table, or of the whole org. Shares are percentages of the table."""

    table = forms.ChoiceField(label=_("Thresholds for"), required=False)
    lost_rows = _rows(
        _("Deleted: more than this number of records"),
        _("Of a number and a percentage, the larger number of records counts."),
    )
    lost_share = _percent(_("Deleted: more than this percentage of the table"))
    bin_rows = _rows(_("Deleted without the recycle bin: more than this number of records"))
    below_rows = _rows(
        _("Lost with one record: more than this number of records"),
        _("Such as the contacts and mails of a customer."),
    )
    column_rows = _rows(_("A column emptied or overwritten: at least this number of records"))
    column_share = _percent(
        _("A column emptied or overwritten: at least this percentage of the table")
    )
    created_rows = _rows(_("Created by one user: more than this number of records"))
    created_share = _percent(_("Created by one user: more than this percentage of the table"))
    transferred_rows = _rows(
        _("Transferred to other owners by one user: more than this number of records")
    )
    transferred_share = _percent(
        _("Transferred to other owners by one user: more than this percentage of the table")
    )
    watched = forms.ChoiceField(
        label=_("Watch the table"),
        required=False,
        choices=[
            (AUTOMATIC, _("if people open its records")),
            (ALWAYS, _("always")),
            (NEVER, _("never")),
        ],
    )

    def __init__(self, tables: tuple[StoredTable, ...], data: Any = None, **more: Any) -> None:
        super().__init__(data, **more)
        choices = [(table.table, table.label) for table in tables]
        field = self.fields["table"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("the whole org")), *choices]

    def as_request(self) -> MassLimits:
        """Return the typed thresholds."""
        given = self.cleaned_data
        rows = {name: given[name] for name in ROWS}
        shares = {name: given[name] / 100 for name in SHARES}
        return MassLimits(**rows, **shares, watched=WATCHED[given["watched"]])


def values_of(limits: MassLimits, table: str) -> dict[str, Any]:
    """Return the initial values of the form."""
    words = {value: word for word, value in WATCHED.items()}
    return {
        "table": table,
        **{name: getattr(limits, name) for name in ROWS},
        **{name: round(100 * getattr(limits, name), 6) for name in SHARES},
        "watched": words[limits.watched],
    }
