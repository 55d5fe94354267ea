"""Forms for privacy requests: select a person's records, and confirm an erasure."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from unlost.app.actions.retention.erase import ErasureRequest
from unlost.app.actions.retention.privacy import PersonRequest

LONGEST = 200_000  # characters, for thousands of records
SELECTED, MATCH, SEARCH = "record", "match", "search"


class PersonForm(forms.Form):
    """The records of a person: selected in search results, or typed."""

    text = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        help_text=_("A name, number, e-mail, phone number or id."),
    )
    records = forms.CharField(
        label=_("Records of the person"),
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "ltr", "spellcheck": "false"}),
        help_text=_("One record per line, as TABLE/ID. Selected records are added here."),
    )
    related = forms.BooleanField(
        label=_("Include all records that the org deletes with them"), required=False
    )

    def clean(self) -> dict[str, Any]:
        """Check that a search text or a record is given."""
        given = super().clean() or {}
        if SEARCH in self.data and not given.get("text"):
            self.add_error("text", _("Enter a search text."))
        if SEARCH not in self.data and not _named(given.get("records", "")):
            self.add_error("records", _("Select at least one record."))
        return given

    def whose(self) -> PersonRequest:
        """Return the request for a person's data."""
        given = self.cleaned_data
        return PersonRequest(_named(given["records"]), related=given["related"])

    def as_request(self, match: list[str]) -> ErasureRequest:
        """Return the request for an erasure; ``match`` are the selected columns."""
        whose = self.whose()
        return ErasureRequest(whose.records, related=whose.related, match=tuple(match))


class AgreeForm(forms.Form):
    """The name of the org, typed as confirmation."""

    typed = forms.CharField(
        label=_("Type the name of the org to confirm"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, org: str) -> None:
        super().__init__(data)
        self._org = org

    def clean_typed(self) -> str:
        """Check that the exact name was typed."""
        typed = str(self.cleaned_data["typed"])
        if typed.strip() != self._org:
            raise forms.ValidationError(_("This is not the name of the org."))
        return typed


def _named(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
