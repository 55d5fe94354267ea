"""The form for the plans of an org that need a second person."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from unlost.catalog.orgs.approval_policy import LARGEST
from unlost.model.approval import ApprovalPolicy


class ApprovalPolicyForm(forms.Form):
    """The conditions, any of which is enough; with none of them, no plan needs approval."""

    records = forms.IntegerField(
        label=_("It writes or deletes more than this number of records"),
        min_value=0,
        max_value=LARGEST,
        required=False,
        help_text=_("Empty: the number of records does not matter."),
    )
    production = forms.BooleanField(
        label=_("It writes to a production org"),
        required=False,
        help_text=_("Then every plan that writes needs a second person."),
    )
    deletes = forms.BooleanField(
        label=_("It deletes records"),
        required=False,
        help_text=_(
            "Archives and purges delete records, and an undo deletes those that a restore created."
        ),
    )

    def as_request(self) -> ApprovalPolicy:
        """Return the chosen conditions."""
        return ApprovalPolicy(**{name: self.cleaned_data[name] for name in self.fields})


def values_of(policy: ApprovalPolicy) -> dict[str, Any]:
    """Return the initial values of the form."""
    return {name: getattr(policy, name) for name in ApprovalPolicyForm.base_fields}
