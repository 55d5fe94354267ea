"""The form for the bypass of an org."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from unlost.catalog.orgs.bypass import LONGEST
from unlost.model.bypass import Bypass, BypassKind


class BypassForm(forms.Form):
    """Kind and name of the bypass; no kind means none."""

    kind = forms.ChoiceField(label=gettext_lazy("Bypass"), required=False)
    name = forms.CharField(
        label=gettext_lazy("Its name in the org"), max_length=LONGEST, required=False
    )

    def __init__(self, *args: Any, kinds: Sequence[BypassKind], **options: Any) -> None:
        """Offer these kinds of bypass."""
        super().__init__(*args, **options)
        offered = [(kind.kind, _(kind.label)) for kind in kinds]
        self.fields["kind"].choices = [("", _("No bypass: all automation acts")), *offered]  # type: ignore[attr-defined]
        self.fields["name"].help_text = " ".join(_(kind.hint) for kind in kinds)
        self.fields["name"].widget.attrs |= {"dir": "ltr", "spellcheck": "false"}

    def as_request(self) -> dict[str, str]:
        """Return the arguments of the action; a name without a kind does not count."""
        kind = self.cleaned_data["kind"]
        return {"kind": kind, "name": self.cleaned_data["name"] if kind else ""}


def values_of(bypass: Bypass | None) -> dict[str, str]:
    """Return the initial values of the form."""
    return {"kind": bypass.kind, "name": bypass.name} if bypass is not None else {}
