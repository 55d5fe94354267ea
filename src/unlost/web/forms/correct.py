"""The form of a correction: which column of a record is wrong, and what it has in truth."""

from collections.abc import Sequence

from django import forms
from django.utils.translation import gettext_lazy as _

from unlost.app.actions.rectify import WishedCorrection
from unlost.app.actions.show import ShownField

LONGEST = 200_000  # characters


class CorrectForm(forms.Form):
    """One column of a record, and the value that it has in truth."""

    column = forms.ChoiceField(label=_("Field"))
    value = forms.CharField(
        label=_("What it is in truth"),
        required=False,
        strip=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
        help_text=_("Left empty, the field is emptied in all backups."),
    )
    limited = forms.BooleanField(label=_("Only where it has the value below"), required=False)
    was = forms.CharField(
        label=_("The wrong value"),
        required=False,
        strip=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
        help_text=_("Without the tick above, every version of the record gets the value."),
    )

    def __init__(self, fields: Sequence[ShownField], data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["column"].choices = [  # type: ignore[attr-defined]
            (one.column, f"{one.label} ({one.column})" if one.label != one.column else one.label)
            for one in fields
        ]

    def wish(self, table: str, record: str) -> WishedCorrection:
        """What was asked for. A browser ends lines as RFC 2046 says, the org does not."""
        given = self.cleaned_data
        value, was = (given[name].replace("\r\n", "\n") for name in ("value", "was"))
        return WishedCorrection(
            f"{table}/{record}",
            (f"{given['column']}={value}",),
            was if given["limited"] else None,
        )
