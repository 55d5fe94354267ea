"""Forms for alert channels: each kind has its own fields, and returns the action's request."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from unlost.app.actions.alerts.alerts import ChannelRequest
from unlost.model.alert import ChannelKind
from unlost.web.forms.connector import QUIET, UNSEEN


class ChannelForm(forms.Form):
    """The fields common to all channels."""

    kind: ChannelKind
    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Name of the channel, such as it-team.")
    )

    def __init__(self, data: Any = None, *, stored_secret: str = "") -> None:
        """Create the form. ``stored_secret`` is a secret that was typed before; it is not shown again."""
        super().__init__(data)
        self._stored_secret = stored_secret
        if stored_secret and "secret" in self.fields:
            self.fields["secret"].required = False
            self.fields["secret"].help_text = _("It is stored. Leave this empty to keep it.")

    def request(self) -> ChannelRequest:
        """Return the typed values for the action."""
        given = self.cleaned_data
        to = tuple(
            address.strip() for address in str(given.get("to", "")).replace(",", "\n").splitlines()
        )
        return ChannelRequest(
            name=given["name"],
            kind=self.kind,
            url=given.get("url") or None,
            host=given.get("host") or None,
            port=given.get("port"),
            security=given.get("security") or None,
            user=given.get("user") or None,
            sender=given.get("sender") or None,
            to=tuple(address for address in to if address),
            quiet=given.get("quiet") or None,
            zone=given.get("zone") or "UTC",
            private=bool(given.get("private")),
            digest=given.get("digest") or None,
        )

    def typed_secret(self) -> str | None:
        """Return the secret that was typed now or before."""
        return str(self.cleaned_data.get("secret") or "").strip() or self._stored_secret or None


class _AlertTimesForm(ChannelForm):
    """Fields of channels read by people: quiet hours, and a daily summary."""

    quiet = forms.CharField(
        label=_("Quiet hours"),
        required=False,
        help_text=_("Only urgent alerts are sent in these hours, such as 22:00\u2060-\u206007:00."),
        widget=forms.TextInput(attrs={"dir": "ltr"}),
    )
    digest = forms.CharField(
        label=_("Daily summary at"),
        required=False,
        help_text=_("Such as 07:30; empty for none."),
        widget=forms.TextInput(attrs={"dir": "ltr"}),
    )
    zone = forms.CharField(
        label=_("Time zone of these times"),
        initial="UTC",
        widget=forms.TextInput(attrs={"dir": "ltr"}),
        help_text=_("Such as Europe/Zurich."),
    )


class EmailForm(_AlertTimesForm):
    """The form for e-mail through an SMTP server."""

    kind = ChannelKind.EMAIL
    field_order = ("name", "to", "sender", "host", "port", "security", "user", "secret")
    to = forms.CharField(
        label=_("Recipients"),
        widget=forms.Textarea(attrs={**QUIET, "rows": 2, "dir": "ltr"}),
        help_text=_("One address per line."),
    )
    sender = forms.EmailField(label=_("Sender"))
    host = forms.CharField(label=_("Mail server"), widget=forms.TextInput(attrs=QUIET))
    port = forms.IntegerField(label=_("Port"), initial=587, min_value=1, max_value=65535)
    security = forms.ChoiceField(
        label=_("Encryption"),
        choices=[
            ("starttls", _("STARTTLS (port 587)")),
            ("tls", _("TLS from the start (port 465)")),
            ("none", _("none (a server on this machine)")),
        ],
    )
    user = forms.CharField(
        label=_("User name on the mail server"), required=False, widget=forms.TextInput(attrs=QUIET)
    )
    secret = forms.CharField(
        label=_("Password on the mail server"),
        required=False,
        widget=forms.PasswordInput(attrs=UNSEEN),
    )


class _Private(forms.Form):
    private = forms.BooleanField(label=_("Allow an address in the private network"), required=False)


class WebhookForm(_Private, _AlertTimesForm):
    """The form for a webhook: a signed POST to an address."""

    kind = ChannelKind.WEBHOOK
    field_order = ("name", "url", "secret", "private")
    url = forms.URLField(label=_("Address"), assume_scheme="https")
    secret = forms.CharField(
        label=_("Signing secret"),
        required=False,
        widget=forms.PasswordInput(attrs=UNSEEN),
        help_text=_("Proves to the receiver that a message comes from this console."),
    )


class _Posted(_Private, _AlertTimesForm):
    """Fields for Slack and Teams, whose address is a secret, as it allows posting."""

    field_order = ("name", "secret", "private")
    secret = forms.CharField(
        label=_("Address of the incoming webhook"),
        widget=forms.PasswordInput(attrs=UNSEEN),
        help_text=_("Anyone who knows it can post, so it is stored as a secret."),
    )


class SlackForm(_Posted):
    """The form for a message in a Slack channel."""

    kind = ChannelKind.SLACK


class TeamsForm(_Posted):
    """The form for a card in a Microsoft Teams channel."""

    kind = ChannelKind.TEAMS


class HeartbeatForm(_Private, ChannelForm):
    """The form for a heartbeat to an external monitor."""

    kind = ChannelKind.HEARTBEAT
    field_order = ("name", "url", "private")
    url = forms.URLField(
        label=_("Address"),
        assume_scheme="https",
        help_text=_("An external monitor that sends an alarm when this machine stops responding."),
    )


FORMS: Mapping[ChannelKind, type[ChannelForm]] = {
    form.kind: form for form in (EmailForm, WebhookForm, SlackForm, TeamsForm, HeartbeatForm)
}
