"""A request to write, and its answer: plain values that REST, Bulk and SOAP share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

type Row = Mapping[str, Any]
"""Field names in any case to values: JSON forms, Python values, CSV texts (see ``Channel``).

``Id`` names the record of an update, delete or undelete. A blob may be given as ``bytes``. A
member named like a relationship holds an object with one external id (``{"Account":
{"Customer_Number__c": "C1"}}``) and stands for the reference. ``attributes`` is passed over.
"""


class Verb(StrEnum):
    """The operation on the rows."""

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"
    HARD_DELETE = "hardDelete"
    UNDELETE = "undelete"
    EMPTY_BIN = "emptyRecycleBin"


class AllOrNone(StrEnum):
    """The effect of one bad row on the others."""

    EACH = "each"
    ALL = "all"


class Channel(StrEnum):
    """Through which API rows come; it decides how cells read and how bad ones are named.

    ``REST``: JSON values, null clears. ``BULK``: CSV texts, where an empty cell leaves the field
    alone and ``#N/A`` clears it. ``SOAP``: XML texts, where null clears.
    """

    REST = "rest"
    BULK = "bulk"
    SOAP = "soap"


@dataclass(frozen=True, slots=True)
class DuplicateHeader:
    """``Sforce-Duplicate-Rule-Header`` (SOAP ``DuplicateRuleHeader``)."""

    allow_save: bool = False
    include_record_details: bool = False
    run_as_current_user: bool = False


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of a request.

    ``external_id`` is the key field of an upsert (``Id`` too); ``update_only`` forbids it to
    insert. ``auto_assign`` is the text of ``Sforce-Auto-Assign`` (``TRUE``, ``FALSE``, a rule's
    id), None without the header.
    """

    external_id: str | None = None
    all_or_none: AllOrNone = AllOrNone.EACH
    channel: Channel = Channel.REST
    duplicates: DuplicateHeader = field(default_factory=DuplicateHeader)
    auto_assign: str | None = None
    update_only: bool = False


@dataclass(frozen=True, slots=True)
class RowError:
    """The reason for a refused row; ``fields`` are API names. ``detail`` is ``duplicateResut``."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RowResult:
    """The result of one row.

    ``id`` has 18 characters; it is None for a row that was refused, unless the request named the
    record itself. ``created`` is None unless the request was an upsert.
    """

    id: str | None
    success: bool
    created: bool | None = None
    errors: tuple[RowError, ...] = ()
