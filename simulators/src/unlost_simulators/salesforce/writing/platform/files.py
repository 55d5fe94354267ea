"""Files: documents that come with their first version, further versions, links, attachments.

Source: object reference (ContentVersion, ContentDocument, ContentDocumentLink, Attachment), answers
of live orgs in public threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from unlost_simulators.salesforce.model.rights import AUDIT_FIELDS
from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform.effects import Effects, WriteContext

DOCUMENT, VERSION, LINK = "ContentDocument", "ContentVersion", "ContentDocumentLink"
SAME_IN_BOTH = (
    "Title", "Description", "OwnerId", "SharingOption", "SharingPrivacy", "FileExtension",
    "FileType", "ContentSize", "ContentModifiedDate", "PublishStatus",
)  # fmt: skip
"""Fields that a document shows of its latest version."""
SHARED_CHANGES = ("Title", "Description", "OwnerId", "SharingOption", "SharingPrivacy")
WITHOUT_BYTES = frozenset({"E", "L"})
"""``ContentLocation`` of files that lie outside of the org."""
VERSION_ADDRESS = "https://simulator.example/sfc/servlet.shepherd/version/"
FILE_TYPES = {
    "csv": "CSV", "doc": "WORD", "docx": "WORD_X", "gif": "GIF", "htm": "HTML", "html": "HTML",
    "jpeg": "JPG", "jpg": "JPG", "mp4": "MP4", "pdf": "PDF", "png": "PNG", "ppt": "POWER_POINT",
    "pptx": "POWER_POINT_X", "snote": "SNOTE", "svg": "SVG", "txt": "TEXT", "xls": "EXCEL",
    "xlsx": "EXCEL_X", "xml": "XML", "zip": "ZIP",
}  # fmt: skip
UNKNOWN_TYPE, LINK_TYPE = "UNKNOWN", "LINK"

PLACE, TIME, REASON = "FirstPublishLocationId", "ContentModifiedDate", "ReasonForChange"
# What is refused follows the reference; codes and words are the simulator's own.
PLACE_OF_FIRST = "First Publish Location ID: it can be set on the first version of a file only."
TIME_OF_FIRST = "Content Modified Date: it can be set on the first version of a file only."
TIME_OF_PAST = "Content Modified Date: date is in the future"
REASON_OF_LATER = "Reason For Change: it can be set on a second or later version only."
LATEST_ONLY = "Only the latest version of a file can be changed."


class Versions(Effects):
    """Versions of files: the first one creates its document, later ones become the latest."""

    reads = ("ContentDocumentId", "IsLatest", "PathOnClient", "ContentUrl")

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Compute values from the bytes, and the place among the versions."""
        for draft in rows:
            _refuse_misplaced(draft, context)
            _describe(draft, context)
        _number([draft for draft in rows if draft.sound], context)

    def after_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Create the documents of first versions, and replace the latest version of others."""
        first = [draft for draft in rows if draft.cells.get("ContentDocumentId") is None]
        later = [draft for draft in rows if draft.cells.get("ContentDocumentId") is not None]
        _publish(first, context)
        _replace_latest(later, context)

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse changes of older versions."""
        if context.by_platform:
            return
        for draft in rows:
            if draft.before is not None and not draft.before.get("IsLatest"):
                draft.fail("INSUFFICIENT_ACCESS_OR_READONLY", LATEST_ONLY)
            elif "VersionData" in draft.cells:
                _measure(draft, context)

    def after_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Copy the values of the latest version to the document."""
        if context.by_platform:
            return
        changes = {
            str(draft.value("ContentDocumentId")): _shown(draft, context, SHARED_CHANGES)
            for draft in rows
        }
        context.update(DOCUMENT, {key: values for key, values in changes.items() if values})


class Documents(Effects):
    """Documents, which share title and owner with their latest version."""

    reads = ("LatestPublishedVersionId", "OwnerId")

    def after_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Copy title and owner to the latest version, and link a new owner."""
        if context.by_platform:
            return
        moved = {}
        for draft in rows:
            shown = {name: draft.cells[name] for name in SHARED_CHANGES if name in draft.cells}
            if shown:
                moved[str(draft.value("LatestPublishedVersionId"))] = shown
        context.amend(VERSION, moved)
        owned = [draft for draft in rows if draft.changes("OwnerId")]
        link(context, [(draft.id or "", str(draft.cells["OwnerId"]), "I") for draft in owned])


def _describe(draft: Draft, context: WriteContext) -> None:
    """Type, size and digest; a file without bytes is a link or lies elsewhere."""
    cells = draft.cells
    outside = cells.get("ContentUrl") or cells.get("ContentLocation") in WITHOUT_BYTES
    if cells.get("VersionData") is None and not outside and not context.by_platform:
        draft.refuse(refusals.missing(["VersionData"]))
        return
    name = str(cells.get("PathOnClient") or "")
    extension = name.rpartition(".")[2].lower() if "." in name else None
    kind = FILE_TYPES.get(extension or "", UNKNOWN_TYPE)
    if cells.get("ContentUrl"):
        extension, kind = None, LINK_TYPE
    _set(draft, context, {"FileExtension": extension, "FileType": kind, "PublishStatus": "P"})
    modified: dict[str, Any] = {"ContentModifiedById": context.user.id}
    if cells.get("ContentModifiedDate") is None:
        modified["ContentModifiedDate"] = cells.get("CreatedDate") or context.stamp
    _set(draft, context, {"IsLatest": True, **modified})
    _measure(draft, context)


def _measure(draft: Draft, context: WriteContext) -> None:
    """Size and digest of the bytes."""
    content = draft.cells.get("VersionData")
    data = content if isinstance(content, bytes) else b""
    digest = None
    if isinstance(content, bytes):
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    sizes = {"ContentSize": len(data), "ContentSizeLong": len(data)}
    _set(draft, context, {"Checksum": digest, **sizes})


def _set(draft: Draft, context: WriteContext, values: dict[str, Any]) -> None:
    """Put values into the fields that the object has."""
    for name, value in values.items():
        if context.of.field(name) is not None:
            draft.cells[name] = value


def _number(rows: Sequence[Draft], context: WriteContext) -> None:
    """Number the versions; the last one of a request is the latest one."""
    fields = ["ContentDocumentId", "VersionNumber", "TagCsv"]
    keys = [str(draft.cells.get("ContentDocumentId")) for draft in rows]
    versions = context.select(
        VERSION, fields, '"ContentDocumentId" IN {values} AND "IsLatest"', keys
    )
    before = {row["ContentDocumentId"]: row for row in versions}
    waiting: dict[str, Draft] = {}
    for draft in rows:
        key = draft.cells.get("ContentDocumentId")
        if key is None:
            _set(draft, context, {"VersionNumber": "1"})
            continue
        latest = before.get(key, {})
        draft.cells["VersionNumber"] = str(int(latest.get("VersionNumber") or 0) + 1)
        if draft.cells.get("TagCsv") is None:
            _set(draft, context, {"TagCsv": latest.get("TagCsv")})
        if key in waiting:
            waiting[key].cells["IsLatest"] = False
        waiting[key] = draft
        before[key] = draft.cells


def _refuse_misplaced(draft: Draft, context: WriteContext) -> None:
    """Refuse fields that only a first version may set, or only a later one."""
    first = draft.cells.get("ContentDocumentId") is None
    place, time, reason = (draft.cells.get(name) for name in (PLACE, TIME, REASON))
    if place is not None and not first:
        draft.fail("FIELD_INTEGRITY_EXCEPTION", PLACE_OF_FIRST, PLACE)
    if time is not None and not first:
        draft.fail("FIELD_INTEGRITY_EXCEPTION", TIME_OF_FIRST, TIME)
    if time is not None and time > context.stamp:
        draft.fail("FIELD_INTEGRITY_EXCEPTION", TIME_OF_PAST, TIME)
    if reason is not None and first:
        draft.fail("FIELD_INTEGRITY_EXCEPTION", REASON_OF_LATER, REASON)


def _publish(rows: Sequence[Draft], context: WriteContext) -> None:
    """The documents of first versions, each linked to its owner and to the place that was named."""
    documents = context.create(DOCUMENT, [_document(draft, context) for draft in rows])
    pairs = [(draft, str(result.id)) for draft, result in zip(rows, documents, strict=True)]
    addresses = context.of.field("VersionDataUrl") is not None
    context.amend(
        VERSION,
        {
            draft.id or "": {"ContentDocumentId": key}
            | ({"VersionDataUrl": f"{VERSION_ADDRESS}{draft.id}"} if addresses else {})
            for draft, key in pairs
        },
    )
    links = [(key, _owner(draft, context), "I") for draft, key in pairs]
    places = [(key, draft.cells.get("FirstPublishLocationId")) for draft, key in pairs]
    link(context, [*links, *((key, str(place), "V") for key, place in places if place)])


def _document(draft: Draft, context: WriteContext) -> dict[str, Any]:
    shown = _shown(draft, context, SAME_IN_BOTH)
    stamps = {name: draft.cells[name] for name in AUDIT_FIELDS if name in draft.cells}
    shared = {"SharingOption": "A", "SharingPrivacy": "N", "PublishStatus": "P"}
    of = context.org.schema.get(DOCUMENT)
    common = {name: value for name, value in shared.items() if of is not None and of.field(name)}
    return {**common, **shown, **stamps, "LatestPublishedVersionId": draft.id}


def _owner(draft: Draft, context: WriteContext) -> str:
    return str(draft.cells.get("OwnerId") or context.user.id)


def _shown(draft: Draft, context: WriteContext, names: Sequence[str]) -> dict[str, Any]:
    """The cells that the document shows too."""
    of = context.org.schema.get(DOCUMENT)
    known = [name for name in names if name in draft.cells and of is not None and of.field(name)]
    return {name: draft.cells[name] for name in known}


def _replace_latest(rows: Sequence[Draft], context: WriteContext) -> None:
    """Make new versions the latest ones of their documents."""
    latest = {str(draft.cells["ContentDocumentId"]): draft for draft in rows}
    fields = ["Id", "ContentDocumentId", "IsLatest", "OwnerId"]
    where = '"ContentDocumentId" IN {values}'
    versions = context.select(VERSION, fields, where, [*latest])
    new = {draft.id for draft in rows}
    changes: dict[str, dict[str, Any]] = {}
    for row in versions:
        if row["Id"] in new:
            continue
        change = {"IsLatest": False} if row["IsLatest"] else {}
        owner = _owner(latest[row["ContentDocumentId"]], context)
        moved = {"FirstPublishLocationId": owner} if row["OwnerId"] != owner else {}
        if change or moved:
            changes[row["Id"]] = {**change, **moved}
    context.amend(VERSION, changes)
    context.update(
        DOCUMENT,
        {
            key: _shown(version, context, SAME_IN_BOTH) | {"LatestPublishedVersionId": version.id}
            for key, version in latest.items()
        },
    )


def link(context: WriteContext, wanted: Sequence[tuple[str, str, str]]) -> None:
    """Link documents to records with these share types, where no link is yet."""
    existing = set(linked(context, [document for document, _, _ in wanted]))
    new = {
        (document, record): share
        for document, record, share in reversed(wanted)
        if (document, record) not in existing
    }
    rows = [
        {"ContentDocumentId": document, "LinkedEntityId": record, "ShareType": share}
        for (document, record), share in reversed(new.items())
    ]
    context.create(LINK, rows)


def linked(context: WriteContext, documents: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The links of documents as pairs of document and record."""
    fields = ["ContentDocumentId", "LinkedEntityId"]
    links = context.select(LINK, fields, '"ContentDocumentId" IN {values}', documents)
    for row in links:
        yield row["ContentDocumentId"], row["LinkedEntityId"]


def already_linked(document: str, record: str) -> str:
    """Return the refusal of the second link of a pair."""
    pair = (document[: refusals.BARE], record[: refusals.BARE])
    return "Document with ID: {} is already linked with the entity with ID: {}".format(*pair)


class Bodies(Effects):
    """Attachments and documents of folders: the length follows the bytes."""

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Count the bytes."""
        _count(rows, context)

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Count the bytes anew."""
        _count(rows, context)


def _count(rows: Sequence[Draft], context: WriteContext) -> None:
    for draft in rows:
        content = draft.cells.get("Body")
        if isinstance(content, bytes):
            _set(draft, context, {"BodyLength": len(content)})
