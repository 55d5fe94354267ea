"""Files of the story: documents with versions and links, attachments, one link without bytes."""

from __future__ import annotations

from typing import Any

from unlost_simulators.company.times import ago
from unlost_simulators.kit import contents
from unlost_simulators.kit.blobs import BlobRecipe
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed import FixedRows, Linked, Ref
from unlost_simulators.salesforce.scenarios.chocolate.written.story_rows import (
    CASE_MELTED,
    CUSTOMER,
    OWNER,
    SERVICE,
)

_TYPES = {"png": "PNG", "pdf": "PDF", "txt": "TEXT", "html": "HTML"}
assert _TYPES.keys() == contents.KINDS.keys()


def write(fixed: FixedRows) -> None:
    """All files of the customer, and the documents folder of the company."""
    _file(
        fixed, "prices", "Preisvereinbarung 2026", "pdf", (18_304, 19_777, 21_001),
        (CUSTOMER, Ref("Opportunity", "christmas"), Ref("Contract", "frame")), days_ago=350,
    )  # fmt: skip
    _file(
        fixed, "shop", "Ladenfront „Sonnenschein“ ☀️", "png", (40_017, 52_233),
        (CUSTOMER, CASE_MELTED), days_ago=200,
    )  # fmt: skip
    _file(
        fixed, "protocol", "Verkostungsprotokoll", "txt", (4_017,),
        (CUSTOMER, Ref("Tasting__c", "tasting")), days_ago=40,
    )  # fmt: skip
    _file(
        fixed, "credit-note", "Gutschrift 0040017", "pdf", (9_876,),
        (CASE_MELTED, Ref("EmailMessage", "melted-4")), days_ago=7,
    )  # fmt: skip
    # The narrow user reaches this file alone.
    protocol = Ref("ContentDocument", "protocol")
    _linked(fixed, protocol, Ref("User", "narrow"), "V", 39)
    _link(fixed)
    _attachments(fixed)
    _company_documents(fixed)
    _libraries(fixed)


def _file(
    fixed: FixedRows, handle: str, title: str, kind: str, sizes: tuple[int, ...],
    links: tuple[Ref, ...],
    *, days_ago: float,
) -> None:  # fmt: skip
    versions = len(sizes)
    document = fixed.add(
        "ContentDocument", handle, days_ago=days_ago, by=OWNER, Title=title, PublishStatus="P",
        LatestPublishedVersionId=Ref("ContentVersion", f"{handle}-{versions}"),
        ContentSize=sizes[-1], FileType=_TYPES[kind], FileExtension=kind, SharingOption="A",
        SharingPrivacy="N", LastModifiedDate=ago(days_ago - versions), SystemModstamp=ago(days_ago - versions),
        ContentModifiedDate=ago(days_ago - versions),
    )  # fmt: skip
    for number, size in enumerate(sizes, start=1):
        recipe = BlobRecipe(kind, 40_017 + number, size)
        key = Ref("ContentVersion", f"{handle}-{number}")
        fixed.add(
            "ContentVersion", key.handle, days_ago=days_ago - number, by=OWNER, Title=title,
            ContentDocumentId=document, VersionNumber=str(number), IsLatest=number == versions,
            PathOnClient=f"{title}.{kind}", VersionData=recipe.token(), ContentSize=size,
            ContentSizeLong=size, Checksum=recipe.md5(), FileType=_TYPES[kind], FileExtension=kind,
            FirstPublishLocationId=links[0], Origin="C", ContentLocation="S", PublishStatus="P",
            ReasonForChange=f"Fassung {number}" if number > 1 else None, IsMajorVersion=True,
            VersionDataUrl=Linked("https://simulator.example/sfc/servlet.shepherd/version/{id}", key),
        )  # fmt: skip
    _linked(fixed, document, OWNER, "I", days_ago)
    for record in links:
        _linked(fixed, document, record, "V", days_ago)


def _linked(fixed: FixedRows, document: Ref, record: Ref, share: str, days_ago: float) -> None:
    values: dict[str, Any] = {"ContentDocumentId": document, "LinkedEntityId": record}
    fixed.add(
        "ContentDocumentLink", days_ago=days_ago, ShareType=share, Visibility="AllUsers", **values
    )


def _link(fixed: FixedRows) -> None:
    """A file that is only an address: no bytes, size 0."""
    document = fixed.add(
        "ContentDocument", "reviews", days_ago=20, by=OWNER, Title="Bewertungen im Netz",
        PublishStatus="P", LatestPublishedVersionId=Ref("ContentVersion", "reviews-1"), ContentSize=0,
        FileType="LINK", SharingOption="A", SharingPrivacy="N",
    )  # fmt: skip
    fixed.add(
        "ContentVersion", "reviews-1", days_ago=20, by=OWNER, ContentDocumentId=document,
        Title="Bewertungen im Netz", PathOnClient="Bewertungen im Netz", VersionNumber="1",
        ContentUrl="https://reviews.example/sonnenschein?stars=5", ContentSize=0, FileType="LINK",
        IsLatest=True, Origin="C", ContentLocation="S", PublishStatus="P", ContentSizeLong=0,
    )  # fmt: skip
    _linked(fixed, document, OWNER, "I", 20)
    _linked(fixed, document, CUSTOMER, "V", 20)


def _attachments(fixed: FixedRows) -> None:
    items = (
        ("inline", Ref("EmailMessage", "melted-1"), "foto.png", "image/png", "png", 33_333),
        (
            "credit",
            Ref("EmailMessage", "melted-4"),
            "Gutschrift.pdf",
            "application/pdf",
            "pdf",
            9_876,
        ),
        ("logger", CASE_MELTED, "Temperaturlogger (27 °C).txt", "text/plain", "txt", 2_048),
        ("badge", CUSTOMER, "Stammkundenkarte.png", "image/png", "png", 5_120),
    )
    for number, (handle, parent, name, mime, kind, size) in enumerate(items):
        fixed.add(
            "Attachment", handle, days_ago=8, by=SERVICE, ParentId=parent, Name=name,
            ContentType=mime, BodyLength=size, Body=BlobRecipe(kind, 17 + number, size).token(),
        )  # fmt: skip


def _company_documents(fixed: FixedRows) -> None:
    folder = fixed.add(
        "Folder", "documents", Name="Firmendokumente", DeveloperName="Firmendokumente",
        AccessType="Public", Type="Document",
    )  # fmt: skip
    for number, (name, kind) in enumerate((("Logo", "png"), ("AGB", "pdf"), ("利用規約", "html"))):
        size = 6_000 + number
        fixed.add(
            "Document", f"document-{number}", FolderId=folder, Name=name, DeveloperName=f"Doc_{number}",
            ContentType=f"application/{kind}", Type=kind, IsPublic=True, BodyLength=size,
            Body=BlobRecipe(kind, 900 + number, size).token(), AuthorId=Ref("User", "inge"),
        )  # fmt: skip


def _libraries(fixed: FixedRows) -> None:
    library = fixed.add(
        "ContentWorkspace", "library", Name="Rezeptarchiv", DeveloperName="Rezeptarchiv",
        WorkspaceType="R", TagModel="U",
    )  # fmt: skip
    fixed.add(
        "ContentWorkspaceDoc", ContentWorkspaceId=library, IsOwner=True,
        ContentDocumentId=Ref("ContentDocument", "protocol"),
    )  # fmt: skip
    folder = fixed.add("ContentFolder", "folder", Name="Verträge")
    fixed.add(
        "ContentFolderMember", ParentContentFolderId=folder,
        ChildRecordId=Ref("ContentDocument", "prices"),
    )  # fmt: skip
