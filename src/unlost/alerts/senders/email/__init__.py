"""E-mail by SMTP, with the standard library's client."""

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum

from unlost.model.alert import Notification, Urgency
from unlost.model.decoders import decoder_for
from unlost.model.errors import NotAllowed, TransientError
from unlost.model.source.reading import Json

SECONDS = 30.0
NOT_OFFERED = (
    "Ask its administrator for a port with encryption, or choose another kind of encryption "
    "with --security. "
)
REFUSALS = range(500, 600)  # RFC 5321, 4.2.1: permanent


class Security(StrEnum):
    """Encryption of the connection to the mail server."""

    TLS = "tls"  # from the first byte, port 465
    STARTTLS = "starttls"  # port 587
    NONE = "none"  # for a server on this machine


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings:
    """A mail server, the sender, and the recipients."""

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    security: Security = Security.STARTTLS
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Email:
    """Sends by one mail server. ``password`` signs in if a user is set."""

    settings: EmailSettings
    password: str | None

    def send(self, message: Notification) -> None:
        """Send it to all recipients."""
        try:
            with self._connected() as server:
                if self.settings.user:
                    server.login(self.settings.user, self.password or "")
                refused = server.send_message(letter(message, self.settings))
        except smtplib.SMTPResponseException as error:
            raise self._judged(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPRecipientsRefused as error:
            code, reply = next(iter(error.recipients.values()))
            raise self._judged(code, reply) from error
        except smtplib.SMTPNotSupportedError as error:
            raise self._not_taken(str(error), advice=NOT_OFFERED) from error
        except (OSError, smtplib.SMTPException) as error:
            raise self._not_taken(str(error) or type(error).__name__) from error
        for address, (code, reply) in refused.items():
            raise self._judged(code, f"{reply.decode(errors='replace')} ({address})", partly=True)

    def _connected(self) -> smtplib.SMTP:
        place = (self.settings.host, self.settings.port)
        trusted = ssl.create_default_context()
        if self.settings.security is Security.TLS:
            return smtplib.SMTP_SSL(*place, timeout=SECONDS, context=trusted)
        server = smtplib.SMTP(*place, timeout=SECONDS)
        if self.settings.security is Security.STARTTLS:
            try:
                server.starttls(context=trusted)
            except BaseException:
                server.close()
                raise
        return server

    def _judged(
        self, code: int, reply: bytes | str, *, partly: bool = False
    ) -> TransientError | NotAllowed:
        """``partly``: other recipients have the mail, so it is not sent again."""
        text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
        if code not in REFUSALS and not partly:
            return self._not_taken(f"{code} {text}")
        return NotAllowed(
            "message-refused",
            "The mail server {host} rejected the e-mail: {status} {text}.",
            next_step="Check the addresses, the user and the password of the channel, then run "
            "`unlost alert test`.",
            host=self.settings.host,
            status=code,
            text=text,
        )

    def _not_taken(self, why: str, *, advice: str = "") -> TransientError:
        return TransientError(
            "message-not-taken",
            "The mail server {host} did not accept the e-mail: {reason}.",
            next_step="{advice}Unlost retries it automatically for one day.",
            host=self.settings.host,
            reason=why.rstrip("."),
            advice=advice,
        )


def opened(settings: Mapping[str, Json], secret: str | None) -> Email:
    """The sender of a channel."""
    return Email(decoder_for(EmailSettings).convert(settings, strict=False), secret)


def letter(message: Notification, settings: EmailSettings) -> EmailMessage:
    """The mail of a message. It requests no automatic reply (RFC 3834), which would be a loop."""
    email_message = EmailMessage()
    email_message["Subject"] = f"[Unlost] {message.title}"
    email_message["From"] = settings.sender
    email_message["To"] = ", ".join(settings.to)
    email_message["Date"] = format_datetime(message.at)
    email_message["Auto-Submitted"] = "auto-generated"
    if message.raised.urgency is Urgency.NOW:
        email_message["Importance"] = "high"
    email_message.set_content("\n".join(message.lines) + "\n")
    return email_message
