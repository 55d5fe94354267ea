"""The documented forms of Salesforce's answers, as far as this connector uses them.

Answers are decoded into these types, so that code behind them never meets a list where an object
belongs, or a name that is none. Members that are not listed are dropped while they are decoded.
Sources: REST guide (query, batch, composite, sObject describe, getDeleted, getUpdated, record
count), Bulk API 2.0 guide (get job info, get parallel results).
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec

# Names of objects and fields: letters, digits and underscores (Salesforce help, API names). They
# stand in addresses and queries.
LONGEST_NAME = 255
Name = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z][A-Za-z0-9_]*\Z", max_length=LONGEST_NAME)]
Id = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?\Z")]
# Ids of jobs, and of what was created, stand in addresses.
Handle = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{1,40}\Z")]
Count = Annotated[int, msgspec.Meta(ge=-1, le=1 << 53)]
# Bulk API 2.0 guide: examples show the numbers of a job as numbers and as texts.
CountText = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,15}\Z")]
# An org has at most 3,000 custom objects; with their histories, shares and feeds, and the standard
# ones, that is far below.
MOST_TABLES = 20_000
# An object has at most 900 custom fields (Salesforce help, custom fields allowed per object).
MOST_COLUMNS = 5_000
# Fields of all objects together, so that they fit the memory. Salesforce documents no limit; this is
# 166 for each of 3,000 objects.
MOST_ALL_COLUMNS = 500_000


class QueryAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A page of a query."""

    records: list[dict[str, Any]]
    total_size: Count = -1
    done: bool = True
    next_records_url: str | None = None


class NameRow(msgspec.Struct, frozen=True):
    """A row of the list of an object's fields."""

    name: Name = msgspec.field(name="QualifiedApiName")


class NameList(msgspec.Struct, frozen=True, rename="camel"):
    """A page of the list of an object's fields."""

    records: Annotated[list[NameRow], msgspec.Meta(max_length=MOST_COLUMNS)]
    done: bool = True
    next_records_url: str | None = None


class BatchResult(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to one call of a batch."""

    status_code: int
    result: msgspec.Raw = msgspec.Raw(b"null")


class BatchAnswer(msgspec.Struct, frozen=True):
    """The answer to a batch."""

    results: list[BatchResult]


class CompositeResult(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to one call of a composite."""

    http_status_code: int
    reference_id: str = ""
    body: msgspec.Raw = msgspec.Raw(b"null")
    http_headers: dict[str, Any] | None = None


class CompositeAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to a composite."""

    composite_response: list[CompositeResult]


class SObjectEntry(TypedDict):
    """An object in the list of all objects."""

    name: Name
    label: NotRequired[str | None]
    queryable: NotRequired[bool | None]


class ObjectList(msgspec.Struct, frozen=True):
    """The list of all objects."""

    sobjects: Annotated[list[SObjectEntry], msgspec.Meta(max_length=MOST_TABLES)]


class Choice(TypedDict):
    """A value of a picklist."""

    value: str
    label: NotRequired[str | None]
    active: NotRequired[bool | None]


class DescribedField(TypedDict):
    """A field of an object."""

    name: Name
    type: str
    label: NotRequired[str | None]
    soapType: NotRequired[str | None]
    length: NotRequired[Count | None]
    referenceTo: NotRequired[list[Name] | None]
    picklistValues: NotRequired[list[Choice] | None]
    calculated: NotRequired[bool | None]
    nameField: NotRequired[bool | None]
    unique: NotRequired[bool | None]
    externalId: NotRequired[bool | None]
    idLookup: NotRequired[bool | None]
    autoNumber: NotRequired[bool | None]
    calculatedFormula: NotRequired[str | None]
    custom: NotRequired[bool | None]
    nillable: NotRequired[bool | None]
    defaultedOnCreate: NotRequired[bool | None]
    defaultValue: NotRequired[Any]
    defaultValueFormula: NotRequired[str | None]
    createable: NotRequired[bool | None]
    updateable: NotRequired[bool | None]
    caseSensitive: NotRequired[bool | None]
    htmlFormatted: NotRequired[bool | None]
    restrictedPicklist: NotRequired[bool | None]


class ChildRelation(TypedDict):
    """A reference to an object from another one."""

    childSObject: Name
    field: Name
    cascadeDelete: NotRequired[bool | None]
    restrictedDelete: NotRequired[bool | None]


class RecordTypeEntry(TypedDict):
    """A record type."""

    defaultRecordTypeMapping: NotRequired[bool | None]
    master: NotRequired[bool | None]


class DescribedObject(TypedDict):
    """The describe of an object."""

    name: Name
    fields: Annotated[list[DescribedField], msgspec.Meta(max_length=MOST_COLUMNS)]
    label: NotRequired[str | None]
    labelPlural: NotRequired[str | None]
    childRelationships: NotRequired[list[ChildRelation] | None]
    recordTypeInfos: NotRequired[list[RecordTypeEntry] | None]
    customSetting: NotRequired[bool | None]
    layoutable: NotRequired[bool | None]
    searchable: NotRequired[bool | None]
    replicateable: NotRequired[bool | None]
    triggerable: NotRequired[bool | None]
    undeletable: NotRequired[bool | None]
    createable: NotRequired[bool | None]
    updateable: NotRequired[bool | None]
    deletable: NotRequired[bool | None]


DESCRIBED = (DescribedObject, DescribedField, Choice, ChildRelation, RecordTypeEntry)


def described_keys() -> tuple[str, ...]:
    """The keys of a describe that are read, sorted; other keys are dropped."""
    return tuple(
        sorted(f"{part.__name__}.{key}" for part in DESCRIBED for key in part.__annotations__)
    )


class RecordCount(msgspec.Struct, frozen=True):
    """The number of records of an object."""

    name: Name
    count: Count


class RecordCounts(msgspec.Struct, frozen=True, rename="camel"):
    """The numbers of records of all objects."""

    s_objects: list[RecordCount] | None = msgspec.field(default=None, name="sObjects")


class DeletedRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A deleted record."""

    id: Id
    deleted_date: str | None = None


class DeletedRecords(msgspec.Struct, frozen=True, rename="camel"):
    """Salesforce's list of deletions."""

    deleted_records: list[DeletedRecord] | None = None
    earliest_date_available: str | None = None


class UpdatedRecords(msgspec.Struct, frozen=True):
    """Salesforce's list of changed ids."""

    ids: list[Id] | None = None


class Created(msgspec.Struct, frozen=True):
    """A job or a record that was created."""

    id: Handle


class JobState(msgspec.Struct, frozen=True, rename="camel"):
    """The state of a query job. One that is not documented could be waited for without an end."""

    state: Literal["UploadComplete", "InProgress", "JobComplete", "Failed", "Aborted"]
    number_records_processed: Count | CountText | None = None
    error_message: str | None = None


class IngestJob(msgspec.Struct, frozen=True, rename="camel"):
    """A job that writes."""

    id: Handle
    state: str = ""
    object: str | None = None
    created_by_id: str | None = None
    created_date: str | None = None
    number_records_processed: Count | CountText | None = None
    number_records_failed: Count | CountText | None = None


class IngestJobList(msgspec.Struct, frozen=True, rename="camel"):
    """A list of jobs that write."""

    records: list[IngestJob] | None = None
    done: bool = True
    next_records_url: str | None = None


class ResultLink(msgspec.Struct, frozen=True, rename="camel"):
    """The address of a result page."""

    result_url: str


class ResultLinks(msgspec.Struct, frozen=True, rename="camel"):
    """Addresses of result pages; the guide's table and example spell the last key differently."""

    result_pages: list[ResultLink] | None = None
    done: bool = True
    next_records_url: str | None = None
    next_record_url: str | None = None
