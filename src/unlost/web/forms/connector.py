"""The form for an org's settings and secrets, derived from its connector.

Typed secrets are never sent back in a page; the page only shows that a secret is stored.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.html import format_html
from django.utils.translation import gettext as _

from unlost.app.orgs.connector_settings import Setting, bare, fields_of_method
from unlost.model.ports.source import SecretField
from unlost.model.source.sign_in import SignInMethod, SignInMethods, Suggestion
from unlost.web.translate import translate, word

ABBREVIATIONS = {"jwt": "JWT"}
SECRET = "secret-"  # noqa: S105 (the prefix of secret fields)
QUIET = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
UNSEEN = {"autocomplete": "new-password", "spellcheck": "false"}


class SecretLines(forms.Textarea):
    """A widget for a secret of several lines; its value is not shown again."""

    def format_value(self, value: Any) -> str:
        """Return an empty text."""
        return ""


class SuggestedWidget(forms.MultiWidget):
    """Usual values as radio buttons, and a text for another one."""

    def __init__(self, suggestions: Sequence[Suggestion], *, label: str) -> None:
        """Create the widget; ``label`` names the text for screen readers."""
        self._values = [suggestion.value for suggestion in suggestions]
        choices = [(suggestion.value, word(suggestion.label)) for suggestion in suggestions]
        text = forms.TextInput(attrs={**QUIET, "aria-label": label})
        super().__init__([forms.RadioSelect(choices=choices), text])

    def decompress(self, value: Any) -> list[str]:
        """Return the radio button and the text of a value; at first the first button."""
        if not value:
            return [self._values[0], ""]
        return [value, ""] if value in self._values else ["", value]


class SuggestedField(forms.MultiValueField):
    """A text for which usual values are suggested."""

    def __init__(self, suggestions: Sequence[Suggestion], **options: Any) -> None:
        """Create the field with its radio buttons."""
        choices = [(suggestion.value, suggestion.label) for suggestion in suggestions]
        fields = (
            forms.ChoiceField(choices=choices, required=False),
            forms.CharField(required=False),
        )
        widget = SuggestedWidget(suggestions, label=str(options["label"]))
        super().__init__(fields, require_all_fields=False, widget=widget, **options)

    def compress(self, data_list: Sequence[str]) -> str:
        """Return the chosen value, or else the text; both together are ambiguous."""
        chosen, text = data_list or ("", "")
        if chosen and text:
            raise forms.ValidationError(
                _("To use your text, choose the last option. Otherwise, delete the text.")
            )
        if not (chosen or text) and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return chosen or text


class ConnectorForm(forms.Form):
    """A form with settings under their own names, and secrets prefixed with ``secret-``.

    With a ``method`` of the sign-in it has the fields of this method only.
    """

    def __init__(
        self,
        data: Any = None,
        *,
        settings: Iterable[Setting],
        secrets: Iterable[SecretField],
        values: Mapping[str, Any],
        stored_secrets: Collection[str] = (),
        rules: SignInMethods | None = None,
        method: SignInMethod | None = None,
    ) -> None:
        """Create the form from the present ``values`` and the names of ``stored_secrets``."""
        self.rules = rules or SignInMethods()
        self.method = method
        self._settings, self._secrets = fields_of_method(
            tuple(settings), tuple(secrets), self.rules, method
        )
        super().__init__(data, initial={name: _shown(value) for name, value in values.items()})
        for setting in self._settings:
            self.fields[setting.name] = _field_of(setting, method)
        for secret in self._secrets:
            self.fields[SECRET + secret.name] = _secret(
                secret, is_stored=secret.name in stored_secrets
            )

    @property
    def usual(self) -> Iterator[BoundField]:
        """The commonly used settings, and the secrets."""
        yield from (self[setting.name] for setting in self._settings if not _rare(setting))
        yield from (self[SECRET + secret.name] for secret in self._secrets)

    @property
    def rare(self) -> Sequence[BoundField]:
        """The settings whose defaults are nearly always right."""
        return [self[setting.name] for setting in self._settings if _rare(setting)]

    @property
    def rare_wrong(self) -> bool:
        """True if a rarely used setting has an error, so that they are shown."""
        return any(field.errors for field in self.rare)

    @property
    def other_methods(self) -> Sequence[SignInMethod]:
        """The methods of the sign-in besides the one shown."""
        return [method for method in self.rules.methods if method is not self.method]

    def config(self) -> dict[str, Any]:
        """Return the settings of a valid form, as plain values, with the method of the sign-in."""
        return self.valid_settings() | (
            {self.rules.setting: self.method.name} if self.method is not None else {}
        )

    def valid_settings(self) -> dict[str, Any]:
        """Return those settings that are valid, as plain values."""
        return {
            setting.name: _plain(setting, self.cleaned_data[setting.name])
            for setting in self._settings
            if setting.name in self.cleaned_data
        }


def typed_secrets(data: Mapping[str, Any], secrets: Iterable[SecretField]) -> dict[str, str]:
    """Return the secrets that were typed, even if the rest of the form is invalid."""
    typed: dict[str, str] = {}
    for secret in secrets:
        value = str(data.get(SECRET + secret.name, ""))
        if value.strip():
            typed[secret.name] = value if secret.lines else value.strip()
    return typed


def _rare(setting: Setting) -> bool:
    """Return True for numbers and switches, which have good defaults, unlike texts and choices."""
    return not setting.required and setting.hint in (bool, int, float)


def _field_of(setting: Setting, method: SignInMethod | None) -> forms.Field:
    """Return the field of a setting, with the suggestions of the method."""
    if method is None or method.suggested != setting.name:
        return _field(setting)
    return SuggestedField(
        method.suggestions,
        label=translate(setting.label or _words(setting.name)),
        help_text=translate(setting.help),
        required=setting.required,
    )


def _field(setting: Setting) -> forms.Field:
    options: dict[str, Any] = {
        "label": translate(setting.label or _words(setting.name)),
        "help_text": translate(setting.help),
        "initial": _shown(setting.default),
        "required": setting.required,
    }
    if setting.hint is bool:
        return forms.BooleanField(**options | {"required": False})
    if setting.choices:
        return forms.ChoiceField(
            choices=[(choice, word(_words(choice))) for choice in setting.choices], **options
        )
    if setting.hint is int:
        return forms.IntegerField(**options | {"required": True})
    if setting.hint is float:
        any_step = forms.NumberInput(attrs={"step": "any"})
        return forms.FloatField(widget=any_step, **options | {"required": True})
    if setting.several:
        options["help_text"] = format_html("{} {}", translate(setting.help), _("One per line."))
        return forms.CharField(widget=forms.Textarea(attrs={**QUIET, "rows": 4}), **options)
    return forms.CharField(widget=forms.TextInput(attrs=QUIET), **options)


def words_of(setting: Setting) -> Iterator[str]:
    """Yield all English texts in the field of a setting."""
    yield setting.label or _words(setting.name)
    if setting.help:
        yield setting.help
    yield from map(_words, setting.choices)


def _words(value: str) -> str:
    """Format a choice for people: ``jwt-bearer`` as "JWT bearer"."""
    first, *others = value.replace("_", "-").split("-")
    return " ".join([ABBREVIATIONS.get(first, first.capitalize()), *others])


def _secret(secret: SecretField, *, is_stored: bool) -> forms.Field:
    widget: forms.Widget = forms.PasswordInput(attrs=UNSEEN)
    if secret.lines:
        widget = SecretLines(attrs={**UNSEEN, "rows": 4})
    keeps = _("A value is stored. Leave this empty to keep it.")
    help_text = translate(secret.help)
    words = format_html("{} {}", help_text, keeps) if is_stored else help_text
    return forms.CharField(
        label=translate(secret.label), help_text=words, required=False, widget=widget
    )


def _shown(value: Any) -> Any:
    """A plain value as a field shows it."""
    plain = bare(value)
    return "\n".join(str(item) for item in plain) if isinstance(plain, list) else plain


def _plain(setting: Setting, value: Any) -> Any:
    if not setting.several:
        return value
    return [name for line in str(value).splitlines() for name in line.replace(",", " ").split()]
