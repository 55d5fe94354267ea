"""Form fields for a role and its org."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from unlost.app.compose import Application
from unlost.model.access import Right, Role

type Words = str | Promise
type Choices = Sequence[tuple[str, Words]]

ROLES: dict[Role, Words] = {
    Role.VIEWER: _("viewer: reads records, but no hidden columns"),
    Role.OPERATOR: _("operator: also runs backups"),
    Role.RESTORER: _("restorer: also restores, and sees hidden columns"),
    Role.ADMIN: _("admin: everything, also people and orgs"),
    Role.AUDITOR: _("auditor: reads who did what, but no records"),
}
EVERYWHERE: Words = _("every org, also later ones")


def role_choices() -> Choices:
    """Return the roles with their descriptions."""
    return [(role.value, words) for role, words in ROLES.items()]


def org_choices(app: Application, right: Right) -> Choices:
    """Return the orgs in which the actor has a right, and the choice of all orgs."""
    return [("", EVERYWHERE), *((org.name, org.name) for org in app.orgs(right))]


class RoleForm(forms.Form):
    """A role and the org in which it applies."""

    role = forms.ChoiceField(label=_("Role"), choices=role_choices)
    org = forms.ChoiceField(label=_("In"), required=False)

    def __init__(self, *given: Any, app: Application, right: Right, **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["org"].choices = org_choices(app, right)  # type: ignore[attr-defined]

    @property
    def place(self) -> str | None:
        """The chosen org; None for all orgs."""
        return str(self.cleaned_data["org"]) or None
