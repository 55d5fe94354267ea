"""The form for an org's backup schedule. Times are in the org's zone."""

from datetime import time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from unlost.app.actions.backups.schedule import (
    NONE,
    OFF,
    ScheduleChange,
    changed_schedule,
    hours_of,
)
from unlost.model.errors import UsageError
from unlost.model.runs.schedule import LEAST_CALLS, LONGEST_WINDOW, Schedule
from unlost.web.forms.problems import add_problem
from unlost.web.translate import error_text

MINUTES = "%H:%M"


class ScheduleForm(forms.Form):
    """The start of nightly backups and their limits."""

    nightly = forms.BooleanField(label=_("Back up automatically every night"), required=False)
    at = forms.TimeField(
        label=_("Start at"),
        required=False,
        input_formats=[MINUTES],
        widget=forms.TimeInput(format=MINUTES, attrs={"type": "time"}),
        help_text=_("In the org's own time zone."),
    )
    window = forms.IntegerField(
        label=_("Spread over (minutes)"),
        min_value=0,
        max_value=LONGEST_WINDOW,
        help_text=_("The start is spread over this time, so that many orgs do not start together."),
    )
    blackout = forms.CharField(
        label=_("Never start in these hours"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "ltr", "spellcheck": "false"}),
        help_text=_("Such as 08:00-18:00, one per line; empty for none."),
    )
    calls = forms.IntegerField(
        label=_("Share of the API calls (percent)"),
        min_value=LEAST_CALLS,
        max_value=100,
        help_text=_(
            "Share of the org's daily calls that Unlost may use. Other programs need the rest."
        ),
    )

    @classmethod
    def of(cls, schedule: Schedule, data: Any = None) -> "ScheduleForm":
        """Return the form filled with a schedule."""
        return cls(data, initial=values_of(schedule))

    def clean_blackout(self) -> list[str]:
        """Check that all hours can be parsed."""
        lines = [line.strip() for line in str(self.cleaned_data["blackout"]).splitlines()]
        filled_lines = [line for line in lines if line]
        for line in filled_lines:
            try:
                hours_of(line)
            except UsageError as error:
                raise ValidationError(error_text(error)) from error
        return filled_lines

    def clean(self) -> dict[str, Any]:
        """Check that the values make a valid schedule."""
        given = super().clean() or self.cleaned_data
        if given.get("nightly") and given.get("at") is None and "at" not in self.errors:
            self.add_error("at", _("Enter a start time, or turn nightly backups off."))
        if not self.errors:
            try:
                changed_schedule(Schedule(), self.as_request())
            except UsageError as error:
                add_problem(self, error)
        return given

    def as_request(self) -> ScheduleChange:
        """Return the typed changes."""
        given = self.cleaned_data
        begins: time | None = given["at"] if given["nightly"] else None
        return ScheduleChange(
            at=f"{begins:%H:%M}" if begins is not None else OFF,
            window=given["window"],
            blackout=given["blackout"] or [NONE],
            calls=given["calls"],
            hourly=self.hourly(),
        )

    def hourly(self) -> str | None:
        """Return the hourly tables; None leaves them unchanged."""
        return None


class OrgScheduleForm(ScheduleForm):
    """The schedule of an existing org, with its hourly tables."""

    hourly_tables = forms.CharField(
        label=_("Tables to read every hour"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "ltr", "spellcheck": "false"}),
        help_text=_("API names, such as Case, one per line; empty for none."),
    )

    def hourly(self) -> str | None:
        """Return the tables in the command line's format."""
        typed = str(self.cleaned_data["hourly_tables"]).replace("\n", ",")
        names = [name.strip() for name in typed.split(",") if name.strip()]
        return ",".join(names) or NONE


def values_of(schedule: Schedule) -> dict[str, Any]:
    """Return the initial values of the form for a schedule."""
    return {
        "nightly": schedule.nightly is not None,
        "at": schedule.nightly or Schedule().nightly,
        "window": schedule.window,
        "blackout": "\n".join(
            f"{hours.begins:%H:%M}-{hours.ends:%H:%M}" for hours in schedule.blackout
        ),
        "calls": schedule.calls,
        "hourly_tables": "\n".join(schedule.hourly),
    }
