"""Schema objects: the columns of the tables, and the permanent number of each column."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import msgspec
from blake3 import blake3

from unlost.model.source.hidden_columns import NOTHING_HIDDEN, HiddenColumns, LogFilter
from unlost.model.source.schema import Column, ColumnTrait, Schema, Table, WireKind
from unlost.model.source.searched_columns import has_words_for
from unlost.vault.format import number as numbers
from unlost.vault.format.manifest import (
    KnownColumn,
    ObjectEntry,
    SchemaDocument,
    canonical_text,
    pack,
    unpack,
)
from unlost.vault.format.physical import SYSTEM_TABLES, is_system
from unlost.vault.format.sealed import ObjectKind, damaged
from unlost.vault.format.words.token_rules import key_columns
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names

if TYPE_CHECKING:
    from unlost.vault.format.words.tokens import Tokenizer

SYSTEM_SCHEMA = ""  # the id in segments of system tables, whose columns are fixed
_PURPOSE = "schema"


type _Columns = Mapping[str, Mapping[str, KnownColumn]]


def number_columns(schema: Schema, before: _Columns) -> dict[str, dict[str, KnownColumn]]:
    """Number all columns that a table has or had: known columns keep their number."""
    numbered = {table: dict(known) for table, known in before.items()}
    for table in schema.tables:
        known = numbered.setdefault(table.name, {})
        for column in table.columns:
            known[column.name] = _describe(table, column, known)
        for name in table.hidden:
            if name not in known:
                known[name] = KnownColumn(code=_next_code(known), kind=WireKind.TEXT)
    return numbered


def _describe(table: Table, column: Column, known: Mapping[str, KnownColumn]) -> KnownColumn:
    known_column = known.get(column.name)
    return KnownColumn(
        code=known_column.code if known_column else _next_code(known),
        kind=column.kind,
        volatile=column.has(ColumnTrait.VOLATILE),
        images=column.name in table.image_columns
        or (known_column is not None and known_column.images),
    )


def _next_code(known: Mapping[str, KnownColumn]) -> int:
    return max((column.code for column in known.values()), default=0) + 1


def _system_document() -> SchemaDocument:
    schema = Schema(tables=tuple(SYSTEM_TABLES.values()), fingerprint="")
    return SchemaDocument(numbers.FORMAT, schema, number_columns(schema, {}))


class SchemaReader(Protocol):
    """Finds the tables and columns of an org for everything that reads rows."""

    hidden: HiddenColumns = NOTHING_HIDDEN

    def get(self, ident: str) -> SchemaDocument:
        """A schema object; raises IntegrityError."""
        ...

    def log_filters(self, table: str, idents: Iterable[str]) -> Collection[LogFilter]:  # noqa: ARG002
        """Return the filters of a table that one of these schemas describes as a change log."""
        return ()

    def table(self, ident: str, table: str) -> Table | None:
        """A table in a schema object."""
        return self.get(ident).schema.table(table)

    def keys(self, ident: str, table: str) -> frozenset[str]:
        """The columns of a table whose whole values are looked up."""
        return key_columns(self.get(ident).schema, table)

    def known(self, ident: str, table: str) -> dict[str, KnownColumn]:
        """Every column that a table has or once had, by name."""
        return self.get(ident).columns.get(table, {})

    def has_words_for(self, newest: str, *, indexed: str) -> bool:
        """True if an index made with one schema has the words that the ``newest`` one asks for."""
        return indexed == newest or has_words_for(
            self.get(newest).schema, indexed=self.get(indexed).schema
        )


class Schemas(SchemaReader):
    """Reads and writes the schema objects of an org; caches the ones it read."""

    def __init__(self, org: str, *, sealed: SealedObjects) -> None:
        self.org = org
        self._sealed = sealed
        self._read: dict[str, SchemaDocument] = {SYSTEM_SCHEMA: _system_document()}
        self._lock = threading.Lock()

    def get(self, ident: str) -> SchemaDocument:
        """A schema object; raises IntegrityError."""
        with self._lock:
            if ident not in self._read:
                name = object_names.schema(self.org, ident)
                content = self._sealed.get_either(
                    ObjectKind.SCHEMA,
                    org=self.org,
                    name=name,
                    proves=lambda content: self._check_id(content, ident, name=name),
                )
                self._read[ident] = unpack(content, SchemaDocument, name=name)[0]
            return self._read[ident]

    def _check_id(self, content: bytes, ident: str, *, name: str) -> None:
        """Raise IntegrityError unless the id is made of the content."""
        text = unpack(content, SchemaDocument, name=name)[1]
        if self._id_of(text) != ident:
            raise damaged(name, "its name belongs to another schema")

    def _id_of(self, text: bytes) -> str:
        key = self._sealed.keys.identity_key(self.org, _PURPOSE)
        return blake3(text, key=key).hexdigest()

    def put(self, schema: Schema, *, before: str) -> str:
        """Store a schema that follows the schema ``before`` (or the empty id); returns its id."""
        known = self.get(before).columns if before else {}
        document = SchemaDocument(numbers.FORMAT, schema, number_columns(schema, known))
        ident = self._id_of(canonical_text(document))
        name = object_names.schema(self.org, ident)
        # Put it even if it exists: its writer may have died before it was durable.
        if self._sealed.resealed(name) is None:
            content = pack(document)
            self._sealed.put_new(ObjectKind.SCHEMA, org=self.org, name=name, content=content)
        with self._lock:
            self._read[ident] = document
        return ident

    def tokenizer(self, ident: str, table: str, *, names: Sequence[str]) -> "Tokenizer | None":
        """The tokenizer of the columns ``names`` of a table; None if none of them has tokens."""
        from unlost.vault.format.words.tokens import tokenizer_for

        table_shape = self.table(ident, table)
        if table_shape is None or is_system(table):
            return None
        return tokenizer_for(table_shape, names=names, keys=self.keys(ident, table))


class VisibleSchemas(SchemaReader):
    """Schemas without hidden columns, so that no reader finds them.

    ``newest`` returns the id of the newest schema: it may know of change logs that older ones do
    not.
    """

    def __init__(self, whole: Schemas, hidden: HiddenColumns, *, newest: Callable[[], str]) -> None:
        self.hidden = hidden
        self._whole = whole
        self._newest = newest
        self._read: dict[str, SchemaDocument] = {}
        self._filters: dict[str, Mapping[str, frozenset[LogFilter]]] = {}

    def get(self, ident: str) -> SchemaDocument:
        """A schema object without hidden columns; raises IntegrityError."""
        if ident not in self._read:
            self._read[ident] = _visible(self._whole.get(ident), self.hidden)
        return self._read[ident]

    def log_filters(self, table: str, idents: Iterable[str]) -> Collection[LogFilter]:
        """The filters of a change log by these schemas, and by the newest one."""
        return {
            log_filter
            for ident in {*idents, self._newest_ident}
            for log_filter in self._filters_of(ident).get(table, ())
        }

    @cached_property
    def _newest_ident(self) -> str:
        return self._newest()

    def _filters_of(self, ident: str) -> Mapping[str, frozenset[LogFilter]]:
        if ident not in self._filters:
            self._filters[ident] = self.hidden.log_filters(self._whole.get(ident).schema)
        return self._filters[ident]


def _visible(document: SchemaDocument, hidden: HiddenColumns) -> SchemaDocument:
    columns = dict(document.columns)
    for table in hidden.by_table.keys() & columns.keys():
        known = columns[table].items()
        columns[table] = {name: column for name, column in known if name not in hidden.of(table)}
    schema = hidden.schema(document.schema)
    return msgspec.structs.replace(document, schema=schema, columns=columns)


def stored_entry(sealed: SealedObjects, name: str) -> ObjectEntry:
    """The size and hash of a stored object, read back from the store."""
    data = sealed.store.get(name)
    return ObjectEntry(name=name, bytes=len(data), blake3=blake3(data).hexdigest())
