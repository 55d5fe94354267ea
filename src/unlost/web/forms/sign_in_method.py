"""The form of an org's settings with the fields of one method of the sign-in.

Buttons choose another method. They send the form, so that nothing typed is lost and no JavaScript
is needed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from unlost.app.actions.orgs.connecting import ConnectorFields
from unlost.app.orgs.connector_settings import Setting
from unlost.model.source.sign_in import SignInMethod
from unlost.web.forms.connector import ConnectorForm
from unlost.web.requests import UserRequest, sent

SHOWN = "method"  # the method whose fields were sent
CHOSEN = "choose"  # the method whose button was pressed


def method_form(
    request: UserRequest,
    fields: ConnectorFields,
    *,
    settings: Sequence[Setting],
    values: Mapping[str, Any],
    stored_secrets: Collection[str],
) -> ConnectorForm:
    """Return the form as sent, or an unsent one after another method was chosen."""
    rules = fields.sign_in

    def form(data: Any, known: Mapping[str, Any], method: SignInMethod | None) -> ConnectorForm:
        return ConnectorForm(
            data,
            settings=settings,
            secrets=fields.secrets,
            values=known,
            stored_secrets=stored_secrets,
            rules=rules,
            method=method,
        )

    shown = rules.method(request.POST.get(SHOWN) or str(values.get(rules.setting) or ""))
    typed = form(sent(request), values, shown)
    if shown is None or CHOSEN not in request.POST:
        return typed
    typed.is_valid()
    present = {**values, **_without_suggested(typed.valid_settings(), shown)}
    return form(None, present, rules.method(request.POST[CHOSEN]))


def _without_suggested(values: Mapping[str, Any], method: SignInMethod) -> Mapping[str, Any]:
    """Leave out a value that this method suggested, as it may not suit another method."""
    suggested = {suggestion.value for suggestion in method.suggestions}
    return {
        name: value
        for name, value in values.items()
        if name != method.suggested or value not in suggested
    }
