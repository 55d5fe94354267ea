"""The form of a correction: which column of a record is wrong, and what it has in truth."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from unlost.app.actions.records.show import ShownField
from unlost.app.actions.retention.rectify import CorrectionRequest
from unlost.model.schema import WireKind

LONGEST = 100_000  # characters: two of them fit into what Django takes of a form


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

    def __init__(
        self, fields: Sequence[ShownField], current: Mapping[str, str | None], data: Any = None
    ) -> None:
        """``held``: what the newest backup has of the record."""
        super().__init__(data)
        self._held = current
        self.fields["column"].choices = [  # type: ignore[attr-defined]
            (
                field.column,
                f"{field.label} ({field.column})" if field.label != field.column else field.label,
            )
            for field in fields
            if field.kind is not WireKind.ID
        ]

    def clean(self) -> dict[str, Any]:
        """Who types the wrong value means versions with it alone."""
        given = super().clean() or {}
        if given.get("was") and not given.get("limited"):
            self.add_error("limited", _("Tick this, or leave the wrong value empty."))
        return given

    def wish(self, table: str, record: str) -> CorrectionRequest:
        """What was asked for."""
        column, was = self.cleaned_data["column"], self._ended("was")
        return CorrectionRequest(
            f"{table}/{record}",
            (f"{column}={self._ended('value')}",),
            was if self.cleaned_data["limited"] else None,
        )

    def _ended(self, name: str) -> str:
        """A text with the line ends that the record has; a browser sends its own."""
        text = str(self.cleaned_data[name]).replace("\r\n", "\n")
        org_own = "\r\n" in (self._held.get(self.cleaned_data["column"]) or "")
        return text.replace("\n", "\r\n") if org_own else text
