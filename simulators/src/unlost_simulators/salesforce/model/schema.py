"""Objects and fields of an org: frozen values used by the store, SOQL and describe.

This module knows no data and no user; constructors for each kind of field live in ``fields``.

How to declare an object (a scenario does exactly this)::

    from unlost_simulators.salesforce.model import fields as f
    from unlost_simulators.salesforce.model.objects import build_object
    from unlost_simulators.salesforce.model.schema import DeleteRule, Sharing

    ACCOUNT = build_object(
        "Account", prefix="001", flags="QCUDNRT", label="Account", plural="Accounts",
        fields=[
            f.text("Name", 255, required=True, name_field=True),
            f.reference("ParentId", "Account", relationship="Parent",
                        children="ChildAccounts", on_delete=DeleteRule.SET_NULL),
            f.picklist("Industry", "Food", "Retail"),
            f.currency("AnnualRevenue", scale=0),
            *f.address("Billing"),
            f.textarea("Description", 32000),
        ],
        tracked=("Name", "Industry"),          # changes write AccountHistory rows
        sharing=Sharing.PRIVATE,               # needs View All Data, ownership or a share
    )

``build_object`` adds the system fields (Id, IsDeleted, OwnerId when ``owned``, CreatedDate,
CreatedById, LastModifiedDate, LastModifiedById, SystemModstamp) unless the object is declared
with ``system=()`` or a subset of their names. Satellites are declared like any other object; use
``objects.history_of(ACCOUNT)`` for ``AccountHistory``.

Arrow types that ``org.store.load(object_name, table)`` expects, one column per *stored* field
(any field may be left out: it is null, or its default; booleans left out are false):

===================================================== =====================================
field type                                            Arrow type
===================================================== =====================================
string textarea html picklist multipicklist combobox  string or large_string (UTF-8)
phone url email encryptedstring id reference          string (ids of 18 characters)
boolean                                               bool
int                                                   int32 (int64 accepted)
long                                                  int64
double currency percent                               decimal128(precision, scale) or float64
date                                                  date32
datetime                                              timestamp("us" | "ms" | "s"), UTC,
                                                      with or without the zone
time                                                  time64("us")
base64                                                string: ``BlobRecipe.token()`` of
                                                      ``store.blobs``
address location formula roll-up                      never loaded: they are computed
===================================================== =====================================

System columns that are left out are filled: Id by the next ids of the object, IsDeleted false,
CreatedDate/LastModifiedDate/SystemModstamp by the clock, OwnerId/CreatedById/LastModifiedById by
the org's first user. ``store.load`` writes no history rows and checks no references.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from functools import cached_property
from types import MappingProxyType


class FieldType(StrEnum):
    """``type`` of a field in describe (partner WSDL, enumeration fieldType)."""

    STRING = "string"
    TEXTAREA = "textarea"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    COMBOBOX = "combobox"
    REFERENCE = "reference"
    ID = "id"
    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    DOUBLE = "double"
    CURRENCY = "currency"
    PERCENT = "percent"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    PHONE = "phone"
    EMAIL = "email"
    URL = "url"
    BASE64 = "base64"
    ENCRYPTED = "encryptedstring"
    ADDRESS = "address"
    LOCATION = "location"
    ANY = "anyType"
    COMPLEX = "complexvalue"
    JSON = "json"


NUMBERS = frozenset({FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT})
INTEGERS = frozenset({FieldType.INT, FieldType.LONG})
COMPOUNDS = frozenset({FieldType.ADDRESS, FieldType.LOCATION})
KEYS = frozenset({FieldType.ID, FieldType.REFERENCE})


class DeleteRule(Enum):
    """The effect on a referring row when its target is deleted."""

    SET_NULL = "set null"
    CASCADE = "cascade"
    RESTRICT = "restrict"
    CASCADE_DRAFTS = "cascade drafts"
    """Drafts go along, rows whose StatusCode is Activated stand in the way (orders, contracts)."""
    NONE = "none"
    """Leave the dangling id in place (CreatedById, OwnerId, soft references)."""


class Sharing(Enum):
    """The visibility of a row without the View All Data permission."""

    PUBLIC = "public"
    PRIVATE = "private"
    """The owner, and whoever a row of the object's Share object names."""
    PARENT = "parent"
    """Whoever sees the parent named by ``ObjectDef.sharing_parent``."""
    FILES = "files"
    """Files: the owner and whoever a ContentDocumentLink names (needs Query All Files)."""


@dataclass(frozen=True, slots=True)
class PicklistValue:
    """One entry of ``picklistValues``; ``valid_for`` is the base64 bitmap of dependent lists."""

    value: str
    label: str | None = None
    active: bool = True
    default: bool = False
    valid_for: str | None = None


@dataclass(frozen=True, slots=True)
class RecordTypeDef:
    """One entry of ``recordTypeInfos``. The master entry is added by describe, never declared."""

    id: str
    name: str
    developer_name: str
    active: bool = True
    available: bool = True
    default: bool = False


@dataclass(frozen=True, slots=True)
class Rollup:
    """A roll-up summary: ``function(child.field)`` over live children by ``child.via``."""

    child: str
    via: str
    function: str = "COUNT"
    field: str = "Id"


@dataclass(frozen=True, slots=True)
class Formula:
    """A value computed when it is read, so that its change moves no time stamp.

    ``sql`` is a DuckDB expression in which ``{Field}`` and ``{Parent.Field}`` stand for values of
    the row, for example ``"{Amount} * {Account.Discount__c}"``. ``text`` is what describe shows
    as calculatedFormula; without text the field is not described as calculated (compound names).
    """

    sql: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class FieldDef:
    """One field. Use the constructors of ``fields``; ``dataclasses.replace`` for odd ones."""

    name: str
    type: FieldType
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    required: bool = False
    default: str | bool | int | None = None
    createable: bool = True
    updateable: bool = True
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    aggregatable: bool = True
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    id_lookup: bool = False
    name_field: bool = False
    html: bool = False
    auto_number: str | None = None
    """Display format of an auto-number, such as ``CASE-{00000000}``."""
    picklist: tuple[PicklistValue, ...] = ()
    restricted_picklist: bool = False
    controller: str | None = None
    targets: tuple[str, ...] = ()
    """``referenceTo``: names of the objects that the reference may point to."""
    relationship: str | None = None
    """``relationshipName``: the name of the parent path in SOQL, such as ``Account``."""
    children: str | None = None
    """Name of the child relationship on the target, such as ``Contacts``; None hides it."""
    on_delete: DeleteRule = DeleteRule.NONE
    master_order: int | None = None
    """0 or 1 for master-detail (relationshipOrder)."""
    compound: str | None = None
    """``compoundFieldName`` of a part of a compound field."""
    formula: Formula | None = None
    rollup: Rollup | None = None
    system: bool = False
    help: str | None = None

    @property
    def custom(self) -> bool:
        """True if the name has a custom suffix (``__c``, ``__pc``, ``__s``)."""
        return self.name.endswith(("__c", "__pc", "__s"))

    @property
    def computed(self) -> bool:
        """True if the value is computed when read, so that the store has no column for it."""
        return self.formula is not None or self.rollup is not None or self.type in COMPOUNDS

    @property
    def polymorphic(self) -> bool:
        """True if the reference can point to more than one object."""
        return len(self.targets) > 1


@dataclass(frozen=True, slots=True)
class QueryRule:
    """A refusal of SOQL that belongs to one object (Salesforce: object-specific query limits)."""

    required_filter: tuple[str, ...] = ()
    """One of these fields must be compared by ``=`` (or ``IN`` when ``allow_in``)."""
    allow_in: bool = True
    lifted_by: str | None = None
    """Permission that lifts ``required_filter``, such as ``QueryAllFiles``."""
    needs_permission: str | None = None
    """Permission without which every query of the object is refused."""
    unfilterable: tuple[str, ...] = ()
    aggregates: bool = True
    filters: bool = True
    """False: any WHERE or ORDER BY is refused."""
    code: str = "MALFORMED_QUERY"
    message: str = ""


@dataclass(frozen=True, slots=True)
class Junction:
    """A list of ids that is sent with a record and becomes rows of a junction object.

    It is described as a field (``urn:JunctionIdListNames``) and is none for queries: no answer
    holds it. ``child`` is the junction object. Source: Object reference, JunctionIdList.
    """

    field: FieldDef
    child: str


@dataclass(frozen=True, slots=True)
class ChildRelationship:
    """One entry of ``childRelationships``: ``child.field`` points to the object."""

    child: str
    field: str
    name: str | None
    on_delete: DeleteRule


SYSTEM_FIELDS = (
    "Id",
    "IsDeleted",
    "OwnerId",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
)


@dataclass(frozen=True)
class ObjectDef:
    """One object (sObject) of the org. Build it with ``objects.build_object``."""

    name: str
    label: str
    plural: str
    prefix: str | None
    """``keyPrefix`` of describe; None for satellites."""
    id_prefix: str
    """First three characters of the ids of its rows (also where ``keyPrefix`` is null)."""
    fields: tuple[FieldDef, ...]
    queryable: bool = True
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    undeletable: bool = True
    replicateable: bool = True
    triggerable: bool = True
    retrieveable: bool = True
    searchable: bool = True
    layoutable: bool = True
    mru: bool = False
    feed: bool = False
    custom_setting: bool = False
    parent_entity: str | None = None
    """associateParentEntity of satellites (``Account`` for AccountHistory)."""
    entity_type: str | None = None
    """associateEntityType of satellites: History, Share, Feed, ChangeEvent."""
    record_types: tuple[RecordTypeDef, ...] = ()
    tracked: tuple[str, ...] = ()
    """Fields whose changes write a row of the object's History object."""
    sharing: Sharing = Sharing.PUBLIC
    sharing_parent: str | None = None
    share_object: str | None = None
    rule: QueryRule = QueryRule()
    bulk: bool = True
    """False: Bulk API answers INVALIDENTITY."""
    storage_bytes: int | None = None
    """Data storage of one row; None means the rule of ``storage`` for its name, 0 none."""
    storage_sql: str | None = None
    """DuckDB expression of a row's bytes, with ``{Field}``; wins over ``storage_bytes``."""
    archived_by: str | None = None
    """Boolean field whose true rows only queryAll shows (``IsArchived`` of Task and Event)."""
    empty_key: bool = False
    """Virtual object: every row has the id 000000000000000AAA."""
    junctions: tuple[Junction, ...] = ()

    @property
    def custom(self) -> bool:
        """True for a custom object: a ``__c`` object or one of its satellites."""
        return "__" in self.name

    @cached_property
    def by_name(self) -> Mapping[str, FieldDef]:
        """Fields by API name in lower case (SOQL names are case-insensitive)."""
        return MappingProxyType({definition.name.lower(): definition for definition in self.fields})

    @cached_property
    def by_relationship(self) -> Mapping[str, FieldDef]:
        """Reference fields by relationship name in lower case."""
        return MappingProxyType(
            {
                definition.relationship.lower(): definition
                for definition in self.fields
                if definition.relationship
            }
        )

    def field(self, name: str) -> FieldDef | None:
        """The field of that API name in any case, or None."""
        return self.by_name.get(name.lower())

    def junction(self, name: str) -> FieldDef | None:
        """The list of ids of that API name in any case, or None."""
        wanted = name.lower()
        return next(
            (
                junction.field
                for junction in self.junctions
                if junction.field.name.lower() == wanted
            ),
            None,
        )

    @cached_property
    def stored(self) -> tuple[FieldDef, ...]:
        """Fields that have a column in the store."""
        return tuple(definition for definition in self.fields if not definition.computed)

    def with_fields(self, fields: Sequence[FieldDef]) -> "ObjectDef":
        """The same object with other fields."""
        return replace(self, fields=tuple(fields))


@dataclass(frozen=True, slots=True)
class Schema:
    """All objects of an org at one moment; immutable, replaced as a whole on a change."""

    objects: tuple[ObjectDef, ...]
    version: int = 1
    index: Mapping[str, ObjectDef] = field(init=False, compare=False, repr=False)
    _children: Mapping[str, tuple[ChildRelationship, ...]] = field(
        init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        by_name = {definition.name.lower(): definition for definition in self.objects}
        object.__setattr__(self, "index", MappingProxyType(by_name))
        children: dict[str, list[ChildRelationship]] = {}
        for definition in self.objects:
            for each in definition.fields:
                for target in dict.fromkeys(each.targets):
                    child = ChildRelationship(
                        definition.name, each.name, each.children, each.on_delete
                    )
                    children.setdefault(target, []).append(child)
        by_target = {name: tuple(referring) for name, referring in children.items()}
        object.__setattr__(self, "_children", MappingProxyType(by_target))

    def get(self, name: str) -> ObjectDef | None:
        """The object of that API name in any case, or None."""
        return self.index.get(name.lower())

    def of_id(self, record_id: str) -> tuple[ObjectDef, ...]:
        """The objects whose rows carry the prefix of this id (two objects may share one)."""
        head = record_id[:3]
        return tuple(definition for definition in self.objects if definition.id_prefix == head)

    def children_of(self, name: str) -> tuple[ChildRelationship, ...]:
        """References of all objects that may point to the named object."""
        return self._children.get(name, ())

    def replaced(self, changed: ObjectDef) -> "Schema":
        """A schema in which ``changed`` takes the place of the object of its name, or is added."""
        if self.get(changed.name) is None:
            return Schema((*self.objects, changed), self.version + 1)
        swapped = tuple(
            changed if definition.name == changed.name else definition
            for definition in self.objects
        )
        return Schema(swapped, self.version + 1)

    def without(self, name: str) -> "Schema":
        """A schema without the named object."""
        return Schema(
            tuple(definition for definition in self.objects if definition.name != name),
            self.version + 1,
        )


def history_name(of: str) -> str:
    """Name of the History object of an object: ``AccountHistory``, ``Recipe__History``.

    ``OpportunityHistory`` is another thing (a list of stages), so that one is named otherwise.
    """
    if of == "Opportunity":
        return "OpportunityFieldHistory"
    return f"{of[:-3]}__History" if of.endswith("__c") else f"{of}History"


def history_parent(of: str) -> str:
    """Name of the field that points from a history row to its record."""
    return "ParentId" if of.endswith("__c") else f"{of}Id"
