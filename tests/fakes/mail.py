"""A mail server on loopback that keeps what it gets, or says what it is told to say."""

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "unlost", "sesame"


class MailSink:
    """``answer`` is said to each mail, ``rcpt`` (empty: yes) to each address."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.answer = "250 OK"
        self.rcpt = ""

    @property
    def texts(self) -> list[str]:
        return [str((one.original_content or b"").decode()) for one in self.mails]

    @property
    def read(self) -> list[str]:
        """Subjects and texts as people see them, their white space made one."""
        mails = [message_from_bytes(one.original_content or b"", policy=default)
                 for one in self.mails]  # fmt: skip
        return [" ".join(f"{one['Subject']} {one.get_content()}".split()) for one in mails]

    async def handle_RCPT(  # noqa: N802 (the server calls it so)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.rcpt or "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.mails.append(envelope)
        return self.answer


class _OnAnyPort(Controller):
    """Listens where there is room."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def _signed_in(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=False)  # the server says so


@contextmanager
def mail_server() -> Iterator[tuple[MailSink, int]]:
    """What arrives, and the port."""
    sink = MailSink()
    running = _OnAnyPort(
        sink, hostname="127.0.0.1", port=0, authenticator=_signed_in, auth_require_tls=False
    )
    running.start()
    try:
        yield sink, running.port
    finally:
        running.stop()
