"""The form to correct a column of a record."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from unlost.app.actions.records.show import ShownField
from unlost.app.actions.retention.rectify import CorrectionRequest
from unlost.model.source.schema import WireKind

LONGEST = 100_000  # characters; two such values fit into Django's limit for a form


class CorrectForm(forms.Form):
    """A column of a record and its correct value."""

    column = forms.ChoiceField(label=_("Field"))
    value = forms.CharField(
        label=_("Correct value"),
        required=False,
        strip=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
        help_text=_("If this is empty, the field is emptied in all backups."),
    )
    limited = forms.BooleanField(label=_("Only where it has the value below"), required=False)
    was = forms.CharField(
        label=_("Wrong value"),
        required=False,
        strip=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
        help_text=_(
            "If the box above is not checked, every version of the record gets the correct value."
        ),
    )

    def __init__(
        self, fields: Sequence[ShownField], current: Mapping[str, str | None], data: Any = None
    ) -> None:
        """Create the form; ``current`` are the record's values in the newest backup."""
        super().__init__(data)
        self._held = current
        named = (
            (
                field,
                field.label if field.label == field.column else f"{field.label} ({field.column})",
            )
            for field in fields
            if field.kind is not WireKind.ID
        )
        choices = [("", _("choose one")), *((field.column, text) for field, text in named)]
        self.fields["column"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Check that a wrong value is only given together with its checkbox."""
        given = super().clean() or {}
        if given.get("was") and not given.get("limited"):
            self.add_error("limited", _("Check this box, or leave the wrong value empty."))
        return given

    def as_request(self, table: str, record: str) -> CorrectionRequest:
        """Return the request for the action."""
        column, was = self.cleaned_data["column"], self._ended("was")
        return CorrectionRequest(
            f"{table}/{record}",
            (f"{column}={self._ended('value')}",),
            was if self.cleaned_data["limited"] else None,
        )

    def _ended(self, name: str) -> str:
        """Return a text with the record's line ends, as browsers send their own."""
        text = str(self.cleaned_data[name]).replace("\r\n", "\n")
        org_own = "\r\n" in (self._held.get(self.cleaned_data["column"]) or "")
        return text.replace("\n", "\r\n") if org_own else text
