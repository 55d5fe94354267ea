"""The form for settings and secrets of an org, made from what its connector says of itself.

A secret that was typed never goes back into a page: the page only says that one is kept.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.html import format_html
from django.utils.translation import gettext as _

from unlost.app.orgs.connector_settings import Setting, bare
from unlost.model.ports import SecretField
from unlost.web.translate import translate, word

SECRET = "secret-"  # noqa: S105 (how fields of secrets begin)
QUIET = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
UNSEEN = {"autocomplete": "new-password", "spellcheck": "false"}


class SecretLines(forms.Textarea):
    """A secret of several lines; what was typed is not shown again."""

    def format_value(self, value: Any) -> str:
        """Nothing."""
        return ""


class ConnectorForm(forms.Form):
    """Settings by their own names, secrets behind ``secret-``."""

    def __init__(
        self,
        data: Any = None,
        *,
        settings: Iterable[Setting],
        secrets: Iterable[SecretField],
        values: Mapping[str, Any],
        kept: Collection[str] = (),
    ) -> None:
        """``values`` are what the settings are now, ``kept`` the secrets that are there already."""
        self._settings = tuple(settings)
        self._secrets = tuple(secrets)
        super().__init__(data, initial={name: _shown(value) for name, value in values.items()})
        for setting in self._settings:
            self.fields[setting.name] = _field(setting)
        for secret in self._secrets:
            self.fields[SECRET + secret.name] = _secret(secret, kept=secret.name in kept)

    @property
    def usual(self) -> Iterator[BoundField]:
        """Settings that most people look at, and the secrets."""
        yield from (self[setting.name] for setting in self._settings if not _rare(setting))
        yield from (self[SECRET + secret.name] for secret in self._secrets)

    @property
    def rare(self) -> Sequence[BoundField]:
        """Settings that are right as they are, nearly always."""
        return [self[setting.name] for setting in self._settings if _rare(setting)]

    @property
    def rare_wrong(self) -> bool:
        """True if one of the rare ones has an error: they are shown then."""
        return any(field.errors for field in self.rare)

    def config(self) -> dict[str, Any]:
        """The settings as plain values, after the form was found right."""
        return {
            setting.name: _plain(setting, self.cleaned_data[setting.name])
            for setting in self._settings
        }


def typed_secrets(data: Mapping[str, Any], secrets: Iterable[SecretField]) -> dict[str, str]:
    """The secrets that were typed into a form, whether the rest of it is right or not."""
    found: dict[str, str] = {}
    for secret in secrets:
        value = str(data.get(SECRET + secret.name, ""))
        if value.strip():
            found[secret.name] = value if secret.lines else value.strip()
    return found


def _rare(setting: Setting) -> bool:
    """Numbers and switches have good defaults; texts and choices differ from org to org."""
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
        options["help_text"] = format_html("{} {}", translate(setting.help), _("One on each line."))
        return forms.CharField(widget=forms.Textarea(attrs={**QUIET, "rows": 4}), **options)
    return forms.CharField(widget=forms.TextInput(attrs=QUIET), **options)


def words_of(setting: Setting) -> Iterator[str]:
    """Everything that the field of a setting says, in English."""
    yield setting.label or _words(setting.name)
    if setting.help:
        yield setting.help
    yield from map(_words, setting.choices)


def _words(value: str) -> str:
    """A choice as people read it: ``jwt-bearer`` as "Jwt bearer"."""
    return value.replace("-", " ").replace("_", " ").capitalize()


def _secret(secret: SecretField, *, kept: bool) -> forms.Field:
    widget: forms.Widget = forms.PasswordInput(attrs=UNSEEN)
    if secret.lines:
        widget = SecretLines(attrs={**UNSEEN, "rows": 4})
    keeps = _("One is kept; leave this empty to keep it.")
    help_text = translate(secret.help)
    words = format_html("{} {}", help_text, keeps) if kept else help_text
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
