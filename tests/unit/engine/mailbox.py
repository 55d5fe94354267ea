"""A town's post office: mails between addresses, at chosen times, as an org keeps them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from unit.engine.scene import Scene
from unlost.engine.storage.loops import find_loops
from unlost.model.source.schema import WireKind
from unlost.model.storage import MailLoop, MailRule, StorageWeight

RULE = MailRule("Subject", "From", "To", "Sent", "Headers", "Case")
WEIGHT = StorageWeight("data storage", 1024, ("Text",))
COLUMNS = ("Subject", "From", "To", "Sent", "Headers", "Case", "Text")
BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DESK = "Service <service@chocolate.example>"
GUEST = "guest@inn.example"
REPLIED = "Message-ID: <x@y>\r\nAuto-Submitted: auto-replied\r\n"
GENERATED = "Auto-Submitted: auto-generated"


@dataclass
class Mailbox(Scene):
    """Mails are added, then looked through."""

    made: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.org.add_table("Mail", dict.fromkeys(COLUMNS, WireKind.TEXT))

    def mail(
        self,
        sender: str,
        to: str,
        subject: str,
        minutes: float,
        *,
        headers: str | None = None,
        case: str | None = "C1",
        text: str = "Hello.",
    ) -> str:
        """A mail some minutes after the beginning; its id."""
        sent = BEGIN + timedelta(minutes=minutes)
        cells = (subject, sender, to, sent.isoformat(), headers, case, text)
        made = self.org.create("Mail", dict(zip(COLUMNS, cells, strict=True)))
        self.made.append(made)
        return made

    def turns(
        self,
        subjects: tuple[str, str],
        minutes: list[float],
        *,
        headers: tuple[str | None, str | None] = (None, None),
        guest: str = GUEST,
        text: str = "Hello.",
    ) -> list[str]:
        """Mails by turns, the guest first."""
        sides = ((guest, DESK), (DESK, guest))
        return [
            self.mail(*sides[n % 2], subjects[n % 2], at, headers=headers[n % 2], text=text)
            for n, at in enumerate(minutes)
        ]

    def loops(self) -> list[MailLoop]:
        """All that is found after a night."""
        self.night()
        return list(find_loops(self.head, "Mail", RULE, weight=WEIGHT))
