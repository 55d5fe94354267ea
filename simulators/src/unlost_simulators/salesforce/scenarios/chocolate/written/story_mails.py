"""Mails of the story: a thread about a melted delivery, and a loop of out-of-office answers.

Their relations are the platform's rows.
"""

from __future__ import annotations

from unlost_simulators.company import written
from unlost_simulators.company.mails import QUEUE_ADDRESS
from unlost_simulators.company.times import ago, day
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed import FixedRows, Linked, Ref
from unlost_simulators.salesforce.scenarios.chocolate.written.story_rows import (
    CASE_MELTED,
    CUSTOMER,
    OWNER,
    SERVICE,
)

THREAD_ID = written.MAILS[0].identifier
LOOP_MAILS = 24
LOOP_ADDRESS = written.RUHE.mail
PURGED_ADDRESS = "weg@mail.example"
"""Whose it was is purged; a trap row still names the lead."""
_CUSTOMER_ADDRESS = written.PEOPLE["oezlem"].mail
_END = "</body></html>"


def write(fixed: FixedRows) -> None:
    """Thread, sales mail, mail on the account, loop."""
    _thread(fixed)
    _other_mails(fixed)
    _loop(fixed)
    _templates(fixed)


def _thread(fixed: FixedRows) -> None:
    """The first mail shows a picture that lies beside it; the fourth carries a PDF."""
    picture = f'<img src="/servlet/servlet.FileDownload?file={{id}}" alt="Foto" width="480">{_END}'
    for number, mail in enumerate(written.MAILS, start=1):
        shown = Linked(mail.html.removesuffix(_END) + picture, Ref("Attachment", "inline"))
        fixed.add(
            "EmailMessage", f"melted-{number}", days_ago=written.days_ago_of_mail(number), by=SERVICE,
            ParentId=CASE_MELTED,
            RelatedToId=CASE_MELTED, Subject=mail.subject, Name=mail.subject, TextBody=mail.text,
            HtmlBody=shown if number == 1 else mail.html,
            Headers=f"Message-ID: {mail.identifier}\r\nIn-Reply-To: {THREAD_ID}",
            FromName=mail.sender_name, FromAddress=mail.sender, ToAddress=mail.recipient,
            FromId=Ref("Contact", "oezlem") if mail.incoming else None,
            CcAddress=written.PEOPLE["frieda"].mail if number == 1 else None,
            Incoming=mail.incoming,
            HasAttachment=number in {1, 4}, Status="1" if mail.incoming else "3",
            MessageDate=mail.sent,
            MessageIdentifier=mail.identifier, ThreadIdentifier=THREAD_ID,
            ReplyToEmailMessageId=Ref("EmailMessage", f"melted-{number - 1}") if number > 1 else None,
            IsExternallyVisible=not mail.incoming,
        )  # fmt: skip


def _other_mails(fixed: FixedRows) -> None:
    task = fixed.add(
        "Task", "mail-task", days_ago=30, by=OWNER, Subject="Email: Angebot", Status="Completed",
        WhatId=Ref("Opportunity", "christmas"), WhoId=Ref("Contact", "oezlem"), IsClosed=True,
        AccountId=CUSTOMER, TaskSubtype="Email", ActivityDate=day(30), Priority="Normal",
    )  # fmt: skip
    fixed.add(
        "EmailMessage", "offer", days_ago=30, by=OWNER, RelatedToId=Ref("Opportunity", "christmas"),
        ActivityId=task, Subject="Angebot Weihnachtspralinen", Name="Angebot Weihnachtspralinen",
        TextBody="Unser Angebot anbei.", HtmlBody="<p>Unser Angebot anbei.</p>", Status="3",
        FromName="Sabine Vogt", FromAddress="sabine.vogt@chocolate.example", Incoming=False,
        ToAddress=_CUSTOMER_ADDRESS, MessageDate=ago(30), MessageIdentifier="<offer@chocolate.example>",
        ThreadIdentifier="<offer@chocolate.example>", IsTracked=True, IsOpened=True,
        FirstOpenedDate=ago(29), LastOpenedDate=ago(28),
    )  # fmt: skip
    fixed.add(
        "EmailMessage", "greeting", days_ago=300, by=OWNER, RelatedToId=CUSTOMER, Status="3",
        Subject="Frohes neues Jahr! 明けましておめでとう", Name="Frohes neues Jahr! 明けましておめでとう",
        TextBody="Alles Gute.", FromAddress="sabine.vogt@chocolate.example", MessageDate=ago(300),
        ToAddress="frieda@sonnenschein.example", MessageIdentifier="<newyear@chocolate.example>",
        BccAddress=PURGED_ADDRESS,
    )  # fmt: skip


def _loop(fixed: FixedRows) -> None:
    """Two machines that answer each other every ten minutes; every mail quotes all before it."""
    account = fixed.add(
        "Account", "loop", days_ago=200, by=SERVICE, Name=written.RUHE.name,
        Office__c=written.RUHE.office, Customer_Number__c=written.RUHE.number,
        BillingCity=written.RUHE.city, BillingCountry=written.RUHE.country,
    )  # fmt: skip
    contact = fixed.add(
        "Contact", "loop", days_ago=200, by=SERVICE, AccountId=account, LastName="Buchhaltung",
        Email=LOOP_ADDRESS,
    )  # fmt: skip
    case = fixed.add(
        "Case", "loop", days_ago=1, by=SERVICE, AccountId=account, ContactId=contact, Status="New",
        Subject="Automatische Antwort", Origin="Email",
    )  # fmt: skip
    subject, body = "Automatische Antwort: Abwesenheit", ""
    for number in range(1, LOOP_MAILS + 1):
        incoming = number % 2 == 1
        sender, to = (LOOP_ADDRESS, QUEUE_ADDRESS) if incoming else (QUEUE_ADDRESS, LOOP_ADDRESS)
        lines = [
            f"Ich bin bis Montag nicht im Haus ({number}).",
            *(f"> {line}" for line in body.splitlines()),
        ]
        body = "\r\n".join(lines)
        fixed.add(
            "EmailMessage", f"loop-{number}", days_ago=1 - number / 144, by=SERVICE, ParentId=case,
            RelatedToId=case, Subject=subject[:3_000], Name=subject[:255], TextBody=body,
            HtmlBody=f"<pre>{body}</pre>", FromAddress=sender, ToAddress=to, Incoming=incoming,
            FromId=contact if incoming else None, Status="0" if incoming else "3",
            MessageDate=ago(1 - number / 144),
            Headers="Auto-Submitted: auto-replied", MessageIdentifier=f"<loop-{number}@loop.example>",
            ThreadIdentifier="<loop-1@loop.example>",
        )  # fmt: skip
        subject = ("AW: " if incoming else "RE: ") + subject


def _templates(fixed: FixedRows) -> None:
    folder = fixed.add(
        "Folder", "templates", Name="Kwinten Templates", DeveloperName="Kwinten_Templates",
        AccessType="Shared", Type="Email",
    )  # fmt: skip
    fixed.add(
        "EmailTemplate", "out-of-office", Name="Out of office", DeveloperName="Out_of_office",
        FolderId=folder, IsActive=True, TemplateType="html", Encoding="UTF-8", TimesUsed=12,
        Subject="Automatische Antwort: {!Case.Subject}", Body="Ich bin nicht im Haus.",
        HtmlValue="<p>Ich bin nicht im Haus.</p>",
    )  # fmt: skip
