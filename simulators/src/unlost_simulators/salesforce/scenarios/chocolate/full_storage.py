"""Acts that fill the org's data storage: long mail threads, old cases, and a loop of answers.

The org gets a small allocation, so that whole megabytes are whole percents of it. Sizes of mails are
exact: a story can say at which percent the org stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Any

from unlost_simulators.company.mails import QUEUE_ADDRESS
from unlost_simulators.kit.blobs import BlobRecipe
from unlost_simulators.salesforce.model.settings import MIB
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.scenarios.chocolate import story
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed_rows import story_id
from unlost_simulators.salesforce.scenarios.scenario import Act
from unlost_simulators.salesforce.storage import KIB, ROW

if TYPE_CHECKING:
    from unlost_simulators.salesforce.org import Org

STORAGE_MB = 100
BUSY = 97.5
"""Megabytes after years of service: of a begun one the other half is free."""
OLD_CASES, OLD_TASKS, MAILS_PER_CASE = 330, 800, 2
OPEN_CASES = 40
LONG_MAIL = 80 * KIB
LOOP_PAUSE = timedelta(minutes=6)
LOOP_GROWTH = 480
"""Bytes by which each answer of the loop is longer than the mail that it quotes."""
YEAR = timedelta(days=365)
_LINE = "> De doos kwam gebroken aan, de pralines zijn gesmolten. Zie de foto. "
_LOOP_LINE = "> Ik ben afwezig tot maandag. Dit is een automatisch antwoord. "


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail of an exact size, on a case."""

    case: str
    number: int
    size: int
    sent: datetime
    subject: str
    customer: str
    line: str = _LINE
    headers: str = ""
    picture: str = ""

    def row(self) -> dict[str, Any]:
        """Its values; every second mail is an answer of the service mailbox."""
        incoming = self.number % 2 == 0
        sender, to = self.customer, QUEUE_ADDRESS
        rest = self.size - len(self.subject) - len(self.headers)
        text = _text(f"Bericht {self.number}. ", self.line, rest // 2)
        return {
            "ParentId": self.case, "RelatedToId": self.case, "Subject": self.subject,
            "Name": self.subject, "TextBody": text, "HtmlBody": self._html(rest - len(text)),
            "Headers": self.headers, "Incoming": incoming, "Status": "1" if incoming else "3",
            "FromAddress": sender if incoming else to, "ToAddress": to if incoming else sender,
            "MessageDate": self.sent, "HasAttachment": bool(self.picture), **_stamps(self.sent),
        }  # fmt: skip

    def _html(self, size: int) -> str:
        start, end = f"<html><body>{self.picture}<pre>", "</pre></body></html>"
        return f"{start}{_text('', self.line.replace('>', '&gt;'), size - len(start + end))}{end}"


def years_of_service(org: Org) -> Mapping[str, Any]:
    """Fill a small data storage with old cases, their mails, done tasks, and threads of this year."""
    org.configure(data_storage_mb=STORAGE_MB)
    now = org.clock.stamp()
    old = _before(now, OLD_CASES)
    cases = _closed_cases(org, old)
    count = OLD_CASES * MAILS_PER_CASE
    mails = [
        _Mail(
            cases[number // MAILS_PER_CASE],
            number,
            LONG_MAIL,
            old[number // MAILS_PER_CASE],
            f"Levering gebroken, bestelling {number // MAILS_PER_CASE + 1:05}",
            f"klant{number // MAILS_PER_CASE}@winkel.example",
        )
        for number in range(count)
    ]
    _insert_mails(org, mails)
    picture = _mail_with_picture(org, cases[-1], old[-1])
    _done_tasks(org, now)
    _fill(org, round(BUSY * MIB) - org.storage.data_bytes(), before=30)
    return {"cases": len(cases), "mails": count + 1, "tasks": OLD_TASKS, "with_picture": picture}


def service_day(org: Org) -> Mapping[str, Any]:
    """An ordinary day of long mails: one percent of the small data storage."""
    return {"mails": _fill(org, MIB, before=0.5)}


def out_of_office_loop(org: Org) -> Mapping[str, Any]:
    """A night in which two machines answer each other until the org takes no more records."""
    sizes = _loop_sizes(int(org.figures.data_left()) - ROW)
    begun = org.clock.stamp() - LOOP_PAUSE * (len(sizes) + 1)
    case = {"Subject": "Automatisch antwoord", "Status": "New", "Origin": "Email"}
    (parent,) = _insert(org, "Case", [{**case, "OwnerId": _anne(), **_stamps(begun)}])
    subjects = ("Automatisch antwoord: afwezig", "Re: Automatisch antwoord: afwezig")
    mails = [
        _Mail(
            parent,
            number,
            size,
            begun + LOOP_PAUSE * (number + 1),
            subjects[bool(number)],
            story.LOOPING_ADDRESS,
            line=_LOOP_LINE,
            headers="Auto-Submitted: auto-replied",
        )
        for number, size in enumerate(sizes)
    ]
    _insert_mails(org, mails)
    return {"mails": len(mails), "bytes": sum(sizes)}


ACTS: Mapping[str, Act] = {
    "years-of-service": years_of_service,
    "service-day": service_day,
    "out-of-office-loop": out_of_office_loop,
}


def _loop_sizes(total: int) -> Sequence[int]:
    """Sizes of mails, each longer than the one before except the last, that add up to a total."""
    longer = accumulate(range(ROW, total, LOOP_GROWTH))
    count = len(list(takewhile(lambda used: used <= total - ROW, longer)))
    sizes = [ROW + LOOP_GROWTH * number for number in range(count)]
    return [*sizes, total - sum(sizes)]


def _fill(org: Org, size: int, *, before: float) -> int:
    """Add long mails to open cases that take exactly so many bytes; gives their number.

    They came within so many days ``before`` now, each second one an answer.
    """
    cases = _open_cases(org)
    count = size // LONG_MAIL
    now = org.clock.stamp()
    mails = [
        _Mail(
            cases[number // MAILS_PER_CASE % len(cases)],
            number,
            LONG_MAIL + (size % LONG_MAIL if number == 0 else 0),
            (now - timedelta(days=before) * (count - number) / (count + 1)).replace(microsecond=0),
            f"Levering gebroken, bestelling {number // MAILS_PER_CASE + 90_001}",
            f"nieuw{number // MAILS_PER_CASE}@winkel.example",
        )
        for number in range(count)
    ]
    _insert_mails(org, mails)
    return count


def _open_cases(org: Org) -> Sequence[str]:
    cases: Sequence[str] = org.ids_where("Case", "Status = 'Working'", limit=OPEN_CASES)
    return cases


def _closed_cases(org: Org, closed: Sequence[datetime]) -> list[str]:
    rows = [
        {
            "Subject": f"Levering gebroken, bestelling {number + 1:05}", "Status": "Closed",
            "Origin": "Email", "SuppliedEmail": f"klant{number}@winkel.example", "IsClosed": True,
            "ClosedDate": at, "OwnerId": _anne(), **_stamps(at),
        }
        for number, at in enumerate(closed)
    ]  # fmt: skip
    return _insert(org, "Case", rows)


def _mail_with_picture(org: Org, case: str, sent: datetime) -> str:
    """A mail that shows a picture, which lies beside it; gives the mail's id."""
    subject, customer = story.PICTURE_SUBJECT, story.PICTURE_ADDRESS
    plain = _Mail(case, 0, LONG_MAIL, sent, subject, customer)
    (mail,) = _insert_mails(org, [plain])
    body = BlobRecipe("png", 4_711, story.PICTURE_BYTES)
    file = {"ParentId": mail, "Name": "praline.png", "ContentType": "image/png"}
    content = {"BodyLength": body.size, "Body": body.token()}
    (picture,) = _insert(org, "Attachment", [{**file, **content, **_stamps(sent)}])
    shown = f'<img src="/servlet/servlet.FileDownload?file={picture}" alt="Foto">'
    row = _Mail(case, 0, LONG_MAIL, sent, subject, customer, picture=shown).row()
    changed = {name: row[name] for name in ("HtmlBody", "HasAttachment")}
    org.update(_user(org), "EmailMessage", {mail: changed}, stamp=sent)
    return mail


def _done_tasks(org: Org, now: datetime) -> None:
    rows = [
        {
            "Subject": "Terugbellen", "Status": "Completed", "IsClosed": True, "OwnerId": _anne(),
            "ActivityDate": at.date(), "TaskSubtype": "Task", "Priority": "Normal", **_stamps(at),
        }
        for at in _before(now, OLD_TASKS)
    ]  # fmt: skip
    _insert(org, "Task", rows)


def _text(start: str, line: str, size: int) -> str:
    """A text of so many characters; the last is no blank, which the org would cut off."""
    return f"{(start + line * (size // len(line) + 1))[: size - 1]}."


def _before(now: datetime, count: int) -> list[datetime]:
    """Times of old records: spread over two years, the newest three years ago."""
    return [
        (now - 3 * YEAR - 2 * YEAR * number / count).replace(microsecond=0)
        for number in range(count)
    ]


def _stamps(at: datetime) -> dict[str, datetime]:
    return dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), at)


def _insert_mails(org: Org, mails: Sequence[_Mail]) -> list[str]:
    return _insert(org, "EmailMessage", [mail.row() for mail in mails])


def _insert(org: Org, name: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return org.insert(_user(org), name, rows)


def _anne() -> str:
    return story_id("User", "anne")


def _user(org: Org) -> SimUser:
    user = org.users.by_username(story.ADMIN_USERNAME)
    if user is None:
        raise LookupError(f"the scenario has no user {story.ADMIN_USERNAME}")
    return user
