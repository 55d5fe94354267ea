"""Rows of files, notes and posts: attachments, documents with versions and links, feed items.

Bytes are recipes out of a pool: the first files all differ, later ones repeat them, so that a million
files need no million digests.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from unlost_simulators.company.columns import (
    booleans,
    chosen,
    digits,
    instants,
    joined,
    where,
)
from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.company.places import country_of
from unlost_simulators.company.times import created_at
from unlost_simulators.kit import contents
from unlost_simulators.kit.blobs import BlobRecipe
from unlost_simulators.salesforce.scenarios.chocolate.generated.people import SENTENCES, Made
from unlost_simulators.salesforce.scenarios.chocolate.world import World, audited

POOL = 512
_KINDS = tuple(contents.KINDS)
_MIME = {"png": "image/png", "pdf": "application/pdf", "txt": "text/plain", "html": "text/html"}
_FILE_TYPES = {"png": "PNG", "pdf": "PDF", "txt": "TEXT", "html": "HTML"}
_NAMES = pa.array(
    ["Prijslijst", "Analysebericht", "検査成績書", "Foto da carga", "Etikett Größe L"]
)


@dataclass(frozen=True, slots=True)
class BlobPool:
    """Columns of the pool of recipes, each with its size and its MD5."""

    tokens: pa.Array
    sizes: Numbers
    checksums: pa.Array
    extensions: pa.Array
    mime: pa.Array
    file_types: pa.Array


def recipe(place: int) -> BlobRecipe:
    """The recipe at a place of the pool: kinds in turn, 1 KB to about 40 KB."""
    size = 1_024 + (place * 7_919) % 40_000
    return BlobRecipe(_KINDS[place % len(_KINDS)], place, size)


@cache
def blob_pool() -> BlobPool:
    """The pool; making it digests about 10 MB once."""
    recipes = [recipe(place) for place in range(POOL)]
    return BlobPool(
        tokens=pa.array([blob.token() for blob in recipes]),
        sizes=np.array([blob.size for blob in recipes], dtype=np.int64),
        checksums=pa.array([blob.md5() for blob in recipes]),
        extensions=pa.array([blob.kind for blob in recipes]),
        mime=pa.array([_MIME[blob.kind] for blob in recipes]),
        file_types=pa.array([_FILE_TYPES[blob.kind] for blob in recipes]),
    )


def _int32(values: Numbers) -> pa.Array:
    return pa.array(values.astype(np.int32))


def notes(world: World, rows: Rows) -> Made:
    """Notes on accounts and contacts."""
    account = rows.below("account", max(world.customers, 1))
    country = country_of(account)
    contact = world.person_at(account, rows, "contact")
    return {
        "Id": world.keys.generated("Note", rows.numbers),
        "ParentId": where(
            rows.chance("of account", 50),
            world.refer("Account", account, of=world.customers),
            world.refer("Contact", contact, of=world.people),
        ),
        "Title": joined("Notitie ", digits(rows.numbers, 4)),
        "Body": joined(
            rows.pick_in("text", SENTENCES, country),
            "\n\n",
            rows.pick_in("more", SENTENCES, country),
        ),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=900),
    }


def attachments(world: World, rows: Rows) -> Made:
    """Attachments of cases, mails and accounts."""
    account = rows.below("account", max(world.customers, 1))
    country = country_of(account)
    pool, place = blob_pool(), rows.numbers % POOL
    kind = rows.below("kind", 3)
    case = world.refer("Case", rows.below("case", max(world.sizes.cases, 1)), of=world.sizes.cases)
    mail = world.refer(
        "EmailMessage", rows.below("mail", max(world.sizes.mails, 1)), of=world.sizes.mails
    )
    parent = where(kind == 0, case, world.refer("Account", account, of=world.customers))
    extension = chosen(pool.extensions, place)
    return {
        "Id": world.keys.generated("Attachment", rows.numbers),
        "ParentId": where(kind == 1, mail, parent),
        "Name": joined(rows.pick("name", _NAMES), " ", digits(rows.numbers), ".", extension),
        "ContentType": chosen(pool.mime, place),
        "BodyLength": _int32(pool.sizes[place]),
        "Body": chosen(pool.tokens, place),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=900),
    }


def _file(world: World, document: Numbers) -> tuple[Rows, Numbers, pa.Array]:
    """Draws of a document, its country and its title."""
    rows = Rows(world.seed, "File", document)
    country = country_of(rows.below("account", max(world.customers, 1)))
    return rows, country, joined(rows.pick("name", _NAMES), " ", digits(document, 5))


def _latest_place(world: World, document: Numbers) -> Numbers:
    """Place in the pool of a document's latest version."""
    return (document + np.where(document < world.sizes.second_versions, 257, 0)) % POOL


def documents(world: World, document: Rows) -> Made:
    """Files; size and type come from the latest version."""
    rows, country, title = _file(world, document.numbers)
    pool, place = blob_pool(), _latest_place(world, rows.numbers)
    second = rows.numbers < world.sizes.second_versions
    version = rows.numbers + np.where(second, world.sizes.documents, 0)
    return {
        "Id": world.keys.generated("ContentDocument", rows.numbers),
        "Title": title,
        "PublishStatus": rows.pick("status", ("P",)),
        "LatestPublishedVersionId": world.keys.generated("ContentVersion", version),
        "ContentSize": _int32(pool.sizes[place]),
        "FileType": chosen(pool.file_types, place),
        "FileExtension": chosen(pool.extensions, place),
        "SharingOption": rows.pick("sharing", ("A",)),
        "SharingPrivacy": rows.pick("privacy", ("N",)),
        "ContentModifiedDate": instants(created_at(rows, days=900)),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **audited(world, rows, country, days=900),
    }


def _versions(
    world: World, document: Numbers, version: Numbers, place: Numbers, number: str
) -> Made:
    rows, country, title = _file(world, document)
    pool = blob_pool()
    extension = chosen(pool.extensions, place)
    stamps = audited(world, rows, country, days=900)
    account = rows.below("account", max(world.customers, 1))
    key = world.keys.generated("ContentVersion", version)
    constant = pa.array(np.zeros(rows.count, dtype=np.int64))
    return {
        "Id": key,
        "ContentDocumentId": world.keys.generated("ContentDocument", document),
        "VersionNumber": pa.array([number]).take(constant),
        "Title": title,
        "PathOnClient": joined(title, ".", extension),
        "ContentModifiedDate": stamps["CreatedDate"],
        "FileType": chosen(pool.file_types, place),
        "PublishStatus": pa.array(["P"]).take(constant),
        "VersionData": chosen(pool.tokens, place),
        "ContentSize": _int32(pool.sizes[place]),
        "ContentSizeLong": pa.array(pool.sizes[place]),
        "FileExtension": extension,
        "FirstPublishLocationId": world.refer("Account", account, of=world.customers),
        "Origin": pa.array(["C"]).take(constant),
        "ContentLocation": pa.array(["S"]).take(constant),
        "Checksum": chosen(pool.checksums, place),
        "VersionDataUrl": joined("https://simulator.example/sfc/servlet.shepherd/version/", key),
        "OwnerId": world.owner_ids(rows, "owner", country),
        **stamps,
    }


def first_versions(world: World, rows: Rows) -> Made:
    """The first version of every file."""
    document = rows.numbers
    columns = _versions(world, document, document, document % POOL, "1")
    return columns | {"IsLatest": booleans(document >= world.sizes.second_versions)}


def second_versions(world: World, rows: Rows) -> Made:
    """A second version of some files, with a reason."""
    document = rows.numbers
    version = document + world.sizes.documents
    columns = _versions(world, document, version, _latest_place(world, document), "2")
    return columns | {
        "IsLatest": booleans(np.ones(rows.count, dtype=np.bool_)),
        "ReasonForChange": rows.pick("reason", ("Nieuwe prijzen", "Korrektur", "訂正版")),
    }


def owner_links(world: World, rows: Rows) -> Made:
    """The link that the platform makes for the owner of a file."""
    document = rows.numbers
    drawn, country, _ = _file(world, document)
    return {
        "Id": world.keys.generated("ContentDocumentLink", document),
        "LinkedEntityId": world.owner_ids(drawn, "owner", country),
        "ContentDocumentId": world.keys.generated("ContentDocument", document),
        "ShareType": rows.pick("share", ("I",)),
        "Visibility": rows.pick("visibility", ("AllUsers",)),
        "SystemModstamp": instants(created_at(drawn, days=900)),
    }


def record_links(world: World, rows: Rows) -> Made:
    """The link of a file to the account that it is about."""
    document = rows.numbers
    drawn, _, _ = _file(world, document)
    account = drawn.below("account", max(world.customers, 1))
    return {
        "Id": world.keys.generated("ContentDocumentLink", document + world.sizes.documents),
        "LinkedEntityId": world.refer("Account", account, of=world.customers),
        "ContentDocumentId": world.keys.generated("ContentDocument", document),
        "ShareType": rows.pick("share", ("V",)),
        "Visibility": rows.pick("visibility", ("AllUsers", "InternalUsers")),
        "SystemModstamp": instants(created_at(drawn, days=900)),
    }


def case_links(world: World, rows: Rows) -> Made:
    """A further link of every third file, to a case."""
    document = rows.numbers * 3
    drawn, _, _ = _file(world, document)
    case = rows.below("case", max(world.sizes.cases, 1))
    return {
        "Id": world.keys.generated("ContentDocumentLink", rows.numbers + 2 * world.sizes.documents),
        "LinkedEntityId": world.refer("Case", case, of=world.sizes.cases),
        "ContentDocumentId": world.keys.generated("ContentDocument", document),
        "ShareType": rows.pick("share", ("V",)),
        "Visibility": rows.pick("visibility", ("AllUsers",)),
        "SystemModstamp": instants(created_at(drawn, days=900)),
    }


def feed_items(world: World, rows: Rows) -> Made:
    """Posts on accounts."""
    account = rows.below("account", max(world.customers, 1))
    country = country_of(account)
    stamps = audited(world, rows, country, days=400)
    stamps.pop("LastModifiedById")
    comments = world.sizes.feed_comments // max(world.sizes.feed_items, 1)
    return {
        "Id": world.keys.generated("FeedItem", rows.numbers),
        "ParentId": world.refer("Account", account, of=world.customers),
        "Type": rows.pick("type", ("TextPost",)),
        "Body": rows.pick_in("text", SENTENCES, country),
        "CommentCount": _int32(np.full(rows.count, comments)),
        "LikeCount": _int32(rows.below("likes", 12)),
        "Revision": _int32(np.ones(rows.count, dtype=np.int64)),
        "InsertedById": stamps["CreatedById"],
        "Status": rows.pick("status", ("Published",)),
        **stamps,
    }


def feed_comments(world: World, rows: Rows) -> Made:
    """Comments in turn over the posts."""
    item = rows.numbers % max(world.sizes.feed_items, 1)
    account = Rows(world.seed, "FeedItem", item).below("account", max(world.customers, 1))
    country = country_of(account)
    stamps = audited(world, rows, country, days=300)
    stamps.pop("LastModifiedById")
    stamps.pop("LastModifiedDate")
    return {
        "Id": world.keys.generated("FeedComment", rows.numbers),
        "FeedItemId": world.refer("FeedItem", item, of=world.sizes.feed_items),
        "ParentId": world.refer("Account", account, of=world.customers),
        "CommentBody": joined("<p>", rows.pick_in("text", SENTENCES, country), "</p>"),
        "CommentType": rows.pick("type", ("TextComment",)),
        "InsertedById": stamps["CreatedById"],
        "Revision": _int32(np.ones(rows.count, dtype=np.int64)),
        "Status": rows.pick("status", ("Published",)),
        **stamps,
    }
