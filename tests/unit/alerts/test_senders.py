"""Messages leave in the form that the other side takes, and what it answers is understood."""

import hmac
import json
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import httpx
import pytest

from fakes.mail import MailSink, mail_server
from unlost.alerts.senders import sender
from unlost.alerts.senders.email import Email, EmailSettings, Security, letter
from unlost.alerts.senders.slack import Slack, text
from unlost.alerts.senders.teams import Teams
from unlost.alerts.signed_webhook import SIGNATURE, Webhook, WebhookSettings, signature
from unlost.kit.http.post import OutgoingPost, post
from unlost.model.alert import (
    AlertRule,
    ChannelKind,
    Notification,
    NotificationKind,
    RaisedAlert,
    Urgency,
)
from unlost.model.errors import NotAllowed, TransientError, UsageError
from unlost.model.message import Message

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
ALARM = RaisedAlert(
    AlertRule.NIGHT_FAILED, "sales", "", Urgency.NOW,
    Message("night-failed", "The backup of sales failed: <Zürich> & co.", "Fix the cause."),
    "unlost backup sales",
)  # fmt: skip
MESSAGE = Notification(NotificationKind.OPENED, ALARM, NOW, NOW, (("sales", 7, "abcdef012345"),))
PUBLIC = "https://93.184.215.14/hook"


class Sink:
    """What arrived at an address, and what is answered."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses) or [200]
        self.requests: list[httpx.Request] = []

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return httpx.Response(status, text="told")


# --- webhook --------------------------------------------------------------------------------------


def test_a_webhook_says_what_happened_and_proves_who_says_it() -> None:
    sink = Sink(204)
    Webhook(WebhookSettings(url=PUBLIC), "open sesame", sink.transport).send(MESSAGE)
    (request,) = sink.requests
    told = json.loads(request.content)
    assert told["alert"] == "night-failed/sales"
    assert (told["event"], told["urgency"], told["command"]) == (
        "opened", "now", "unlost backup sales",
    )  # fmt: skip
    assert told["heads"] == [{"org": "sales", "backup": 7, "head": "abcdef012345"}]
    seconds, digest = (part.partition("=")[2] for part in request.headers[SIGNATURE].split(","))
    signed = f"{seconds}.".encode() + request.content
    assert digest == hmac.new(b"open sesame", signed, sha256).hexdigest()
    assert int(seconds) == NOW.timestamp()


def test_a_webhook_without_a_secret_is_not_signed() -> None:
    sink = Sink()
    Webhook(WebhookSettings(url=PUBLIC), None, sink.transport).send(MESSAGE)
    assert SIGNATURE not in sink.requests[0].headers


def test_the_signature_is_the_one_that_the_documentation_promises() -> None:
    by_hand = sha256(bytes(b ^ 0x5C for b in b"key".ljust(64, b"\0")) + sha256(
        bytes(b ^ 0x36 for b in b"key".ljust(64, b"\0")) + b"1.{}").digest())  # fmt: skip
    assert signature("key", 1, b"{}") == by_hand.hexdigest(), "RFC 2104"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_an_answer_that_may_pass_is_tried_again_later(status: int) -> None:
    with pytest.raises(TransientError, match=f"it returned HTTP {status}"):
        post(OutgoingPost(PUBLIC, b"", {}), transport=Sink(status).transport)


@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_an_answer_that_says_no_is_not_tried_again(status: int) -> None:
    with pytest.raises(NotAllowed, match=f"refused the message: {status} told") as caught:
        post(OutgoingPost(PUBLIC, b"", {}), transport=Sink(status).transport)
    assert caught.value.code == "message-refused"


def test_a_broken_line_is_tried_again_later() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(TransientError, match="did not accept the message: refused"):
        post(OutgoingPost(PUBLIC, b"", {}), transport=httpx.MockTransport(broken))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/x", "http://[::1]/x", "https://10.0.0.7/", "http://169.254.169.254/latest",
     "http://192.168.1.1/", "http://0.0.0.0/", "http://[64:ff9b::a00:1]/", "http://[fec0::1]/",
     "http://224.0.0.1/"],
)  # fmt: skip
def test_addresses_of_the_inner_network_are_refused_unless_allowed(url: str) -> None:
    sink = Sink()
    with pytest.raises(NotAllowed) as caught:
        post(OutgoingPost(url, b"", {}), transport=sink.transport)
    assert caught.value.code == "address-private"
    assert sink.requests == []
    assert post(OutgoingPost(url, b"", {}, private=True), transport=sink.transport) == 200


def test_a_name_is_called_at_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([[(2, 1, 6, "", ("93.184.215.14", 443))], [(2, 1, 6, "", ("127.0.0.1", 443))]])
    monkeypatch.setattr("socket.getaddrinfo", lambda *told, **more: next(answers))
    sink = Sink()
    post(OutgoingPost("https://hooks.example.com/a", b"", {}), transport=sink.transport)
    (request,) = sink.requests
    assert str(request.url) == "https://93.184.215.14/a"
    assert request.headers["Host"] == "hooks.example.com"
    assert request.extensions["sni_hostname"] == "hooks.example.com"


def test_a_name_that_nobody_knows_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*told: object, **more: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    with pytest.raises(TransientError, match="not known"):
        post(OutgoingPost("https://hooks.example.com/", b"", {}))


@pytest.mark.parametrize("url", ["ftp://x/", "hooks.example.com", "https://", "https://a:b/"])
def test_what_is_no_address_is_refused_and_never_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        post(OutgoingPost(url, b"", {}))
    assert caught.value.code == "address-unreadable"
    assert url not in caught.value.sentence
    with pytest.raises(UsageError):
        sender(ChannelKind.SLACK, {}, url)


# --- chats ----------------------------------------------------------------------------------------


def test_slack_gets_its_own_marks_and_no_others() -> None:
    sink = Sink()
    Slack(PUBLIC, transport=sink.transport).send(MESSAGE)
    told = json.loads(sink.requests[0].content)["text"]
    assert told == text(MESSAGE)
    assert told.startswith("*The backup of sales failed: &lt;Zürich&gt; &amp; co (sales)*\n")
    assert "  unlost backup sales" in told


def test_teams_gets_a_card() -> None:
    sink = Sink(202)
    Teams(PUBLIC, transport=sink.transport).send(MESSAGE)
    (attached,) = json.loads(sink.requests[0].content)["attachments"]
    blocks = attached["content"]["body"]
    assert blocks[0] == {
        "type": "TextBlock",
        "text": MESSAGE.title,
        "wrap": True,
        "weight": "Bolder",
    }
    assert [block["text"] for block in blocks[1:]] == list(MESSAGE.lines)


# --- e-mail ---------------------------------------------------------------------------------------


@pytest.fixture
def mails() -> Iterator[tuple[MailSink, int]]:
    with mail_server() as running:
        yield running


def email(port: int, **told: object) -> Email:
    settings = EmailSettings(
        host="127.0.0.1",
        port=port,
        sender="unlost@example.com",
        to=("it@example.com", "boss@example.com"),
        security=Security.NONE,
    )
    password = told.pop("password", None)
    return Email(replace(settings, **told), password)  # type: ignore[arg-type]


@pytest.mark.network
def test_a_mail_arrives_with_what_happened_and_what_to_do(mails: tuple[MailSink, int]) -> None:
    sink, port = mails
    email(port).send(MESSAGE)
    (mail,) = sink.mails
    assert mail.rcpt_tos == ["it@example.com", "boss@example.com"]
    letter_sent = letter(MESSAGE, email(port).settings)
    assert letter_sent["Subject"] == f"[Unlost] {MESSAGE.title}"
    assert letter_sent["Auto-Submitted"] == "auto-generated"
    assert letter_sent["Importance"] == "high"
    assert mail.original_content is not None
    body = mail.original_content.decode()
    assert "unlost backup sales" in body
    assert "head abcdef012345" in body
    quiet = replace(MESSAGE, raised=replace(ALARM, urgency=Urgency.SOON))
    assert letter(quiet, email(port).settings)["Importance"] is None


@pytest.mark.network
@pytest.mark.parametrize(
    ("answer", "error"), [("451 later", TransientError), ("554 never", NotAllowed)]
)
def test_what_the_mail_server_answers_is_understood(
    mails: tuple[MailSink, int], answer: str, error: type[Exception]
) -> None:
    sink, port = mails
    sink.answer = answer
    with pytest.raises(error, match=answer):
        email(port).send(MESSAGE)
    sink.answer, sink.rcpt = "250 OK", answer
    with pytest.raises(error, match=answer):
        email(port).send(MESSAGE)


@pytest.mark.network
def test_a_user_signs_in_and_a_wrong_password_is_told(mails: tuple[MailSink, int]) -> None:
    sink, port = mails
    email(port, user="unlost", password="sesame").send(MESSAGE)
    assert len(sink.mails) == 1
    with pytest.raises(NotAllowed, match="535"):
        email(port, user="unlost", password="wrong").send(MESSAGE)


@pytest.mark.network
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_server_without_tls_gets_no_mail_where_tls_is_asked_for(
    mails: tuple[MailSink, int], security: Security
) -> None:
    sink, port = mails
    with pytest.raises(TransientError):
        email(port, security=security).send(MESSAGE)
    assert sink.mails == []


@pytest.mark.network
def test_a_server_that_offers_no_starttls_says_so_in_a_sentence_and_what_to_set(
    mails: tuple[MailSink, int],
) -> None:
    with pytest.raises(TransientError) as refused:
        email(mails[1], security=Security.STARTTLS).send(MESSAGE)
    assert refused.value.sentence.endswith("STARTTLS extension not supported by server.")
    assert "--security" in refused.value.next_step


@pytest.mark.network
def test_a_server_that_is_not_there_is_tried_again_later() -> None:
    with pytest.raises(TransientError, match="did not accept the e-mail"):
        email(1).send(MESSAGE)


def test_a_mail_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def hanging(*told: object, **more: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(smtplib, "SMTP", hanging)
    with pytest.raises(TransientError, match="timed out"):
        email(25).send(MESSAGE)


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "settings", "made"),
    [
        (ChannelKind.EMAIL, {"host": "m", "sender": "a@b", "to": ["c@d"]}, Email),
        (ChannelKind.WEBHOOK, {"url": PUBLIC}, Webhook),
        (ChannelKind.SLACK, {}, Slack),
        (ChannelKind.TEAMS, {"private": True}, Teams),
    ],
)
def test_each_kind_of_channel_has_its_sender(
    kind: ChannelKind, settings: dict[str, object], made: Callable[..., object]
) -> None:
    assert isinstance(sender(kind, settings, PUBLIC), made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(ChannelKind.EMAIL, {"host": "m"}), (ChannelKind.WEBHOOK, {"url": 7})],
)
def test_settings_that_do_not_fit_are_told(kind: ChannelKind, settings: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        sender(kind, settings, None)  # type: ignore[arg-type]
    assert caught.value.code == "channel-invalid"
