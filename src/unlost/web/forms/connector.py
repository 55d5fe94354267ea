"""The form for an org's settings and secrets, derived from its connector.

Typed secrets are never sent back in a page; the page only shows that a secret is stored.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.html import format_html
from django.utils.translation import gettext as _

from unlost.app.orgs.connector_settings import Setting, bare
from unlost.model.ports.source import SecretField
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


class ConnectorForm(forms.Form):
    """A form with settings under their own names, and secrets prefixed with ``secret-``."""

    def __init__(
        self,
        data: Any = None,
        *,
        settings: Iterable[Setting],
        secrets: Iterable[SecretField],
        values: Mapping[str, Any],
        stored_secrets: Collection[str] = (),
    ) -> None:
        """Create the form from the present ``values`` and the names of ``stored_secrets``."""
        self._settings = tuple(settings)
        self._secrets = tuple(secrets)
        super().__init__(data, initial={name: _shown(value) for name, value in values.items()})
        for setting in self._settings:
            self.fields[setting.name] = _field(setting)
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

    def config(self) -> dict[str, Any]:
        """Return the settings of a valid form, as plain values."""
        return {
            setting.name: _plain(setting, self.cleaned_data[setting.name])
            for setting in self._settings
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
