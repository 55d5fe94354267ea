"""The store of one org: its schema and rows, edits by users, deletes, late commits, the bin.

It knows nothing of SOQL and of what a user may see.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from unlost_simulators.kit import blobs
from unlost_simulators.kit.clock import VirtualClock
from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.answers import Holding
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.numbers import MACROS
from unlost_simulators.salesforce.model.schema import (
    FieldType,
    ObjectDef,
    Schema,
    history_name,
)
from unlost_simulators.salesforce.model.settings import OrgSettings
from unlost_simulators.salesforce.store import (
    database,
    deletes,
    doomed,
    evolve,
    images,
    load,
    recyclebin,
    tables,
    writes,
)
from unlost_simulators.salesforce.store.doomed import Doomed
from unlost_simulators.salesforce.store.pending import Pending, PendingWrites
from unlost_simulators.salesforce.store.referrers import Referrers

NO_DELAY = timedelta(0)


def naive(instant: datetime) -> datetime:
    """The instant as DuckDB's TIMESTAMP holds it: UTC without a zone."""
    return instant.replace(tzinfo=None)


@dataclass(slots=True)
class Transaction:
    """Writes that become visible together. ``wrote`` is the first object that an API call wrote."""

    cursor: duckdb.DuckDBPyConnection
    thread: int
    wrote: str | None = None


class Store:
    """Rows of all objects. Thread-safe: readers never wait, writers follow one another."""

    def __init__(
        self,
        schema: Schema,
        clock: VirtualClock,
        *,
        first_user_id: str,
        settings: OrgSettings | None = None,
        db: Path | None = None,
    ) -> None:
        self.clock = clock
        self.schema = schema
        self.settings = settings or OrgSettings()
        self.schema_changed_at = clock.stamp()
        self._first_user_id = first_user_id
        self._database = database.Database(db)
        self._counters = load.Counters()
        self._pending = PendingWrites()
        self._generation: Counter[str] = Counter()
        self._rewritten: Counter[str] = Counter()
        self._referrers = Referrers()
        self._memos: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        self._oldest_in_bin: datetime | None = None
        self._rows_in_bin = 0
        self._shown_until: datetime | None = None
        self._trimmed_before: dict[str, datetime] = {}
        self._lock = threading.RLock()
        self._open: Transaction | None = None
        self._create()

    def _create(self) -> None:
        with self._database.writing() as cursor:
            for statement in (*tables.create_registers(), *MACROS):
                cursor.execute(statement)
            for definition in self.schema.objects:
                cursor.execute(tables.create_table(definition))
                if self._database.in_memory:
                    continue
                table = tables.name(definition.name)
                highest = database.scalar(cursor, f"SELECT max({tables.ORDER}) FROM {table}")
                if highest is not None:
                    self._counters.seen(definition.id_prefix, int(highest))
            self._note_bin(cursor)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB cursor for reading, after what is due has become visible.

        Inside a transaction its thread gets the transaction's own, which sees what it wrote.
        """
        mine = self._own_transaction()
        if mine is not None:
            return mine.cursor
        self.settle()
        return self._database.cursor()

    def _own_transaction(self) -> Transaction | None:
        transaction = self._open
        return (
            transaction
            if transaction is not None and transaction.thread == threading.get_ident()
            else None
        )

    def in_transaction(self) -> bool:
        """True if the caller's thread has a transaction open."""
        return self._own_transaction() is not None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All writes of the block in one transaction, rolled back when it raises.

        A block inside another of the same thread is part of that one.
        """
        mine = self._own_transaction()
        if mine is not None:
            yield mine
            return
        self.settle()
        with self._lock:
            before = Counter(self._generation)
            try:
                with self._database.writing() as cursor:
                    self._open = Transaction(cursor, threading.get_ident())
                    yield self._open
            except BaseException:
                self._note_bin(self._database.cursor())
                changed = [name for name in self._generation if self._differs(name, before)]
                self._rewritten.update(changed)
                self._referrers.outdate(changed)
                raise
            finally:
                self._open = None
                # What was measured meanwhile saw the rows as they are no longer.
                self._generation.update(
                    [name for name in self._generation if self._differs(name, before)]
                )

    def _differs(self, name: str, before: Counter[str]) -> bool:
        return self._generation[name] != before[name]

    def generation(self, object_name: str) -> int:
        """A number that grows with every write to the object."""
        return self._generation[object_name]

    def memo(self, object_name: str, purpose: str) -> dict[str, Any]:
        """Return a cache for facts about rows of an object.

        It is emptied after each write, except writes that only add rows.
        """
        generation = self._rewritten[object_name]
        memo = self._memos.get((object_name, purpose))
        if memo is None or memo[0] != generation:
            memo = self._memos[object_name, purpose] = (generation, {})
        return memo[1]

    def is_empty(self) -> bool:
        """Return true if no object has a row (a fresh database file)."""
        return all(
            sum((count.live, count.deleted)) == 0
            for count in (self.holds(definition.name) for definition in self.schema.objects)
        )

    def _object(self, name: str) -> ObjectDef:
        definition = self.schema.get(name)
        if definition is None:
            msg = f"the org has no object {name}"
            raise KeyError(msg)
        return definition

    # Late commits and the passing of time

    def settle(self) -> None:
        """Make visible what is due, and purge what has been in the bin for too long."""
        if self._own_transaction() is not None:
            return
        now = naive(self.clock.now())
        if not self._pending.is_due(now) and not self._bin_is_due(now):
            return
        with self._lock, self._database.writing() as cursor:
            for write in self._pending.take_due(now):
                write.apply(cursor)
            if self._is_expired(now):
                limit = now - timedelta(days=self.settings.bin_days)
                self._purged(cursor, recyclebin.purge_before(cursor, limit))
            self._purge_surplus(cursor, now)
            if self._shown_is_due(now):
                self._purged(cursor, recyclebin.purge_shown(cursor, now))

    def _bin_is_due(self, now: datetime) -> bool:
        return self._is_expired(now) or self._is_surplus(now) or self._shown_is_due(now)

    def _shown_is_due(self, now: datetime) -> bool:
        return self._shown_until is not None and self._shown_until <= now

    def _is_expired(self, now: datetime) -> bool:
        oldest = self._oldest_in_bin
        return oldest is not None and oldest + timedelta(days=self.settings.bin_days) < now

    def _is_surplus(self, now: datetime) -> bool:
        oldest, capacity = self._oldest_in_bin, self.settings.enforced_bin_capacity
        if oldest is None or capacity is None or self._rows_in_bin <= capacity:
            return False
        return oldest + recyclebin.SAFE_TIME <= now

    def _purge_surplus(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> None:
        capacity = self.settings.enforced_bin_capacity
        if capacity is not None and self._is_surplus(now):
            self._purged(cursor, recyclebin.purge_surplus(cursor, capacity, now))

    def _note_bin(self, cursor: duckdb.DuckDBPyConnection) -> None:
        bin_state = cursor.execute("SELECT min(deleted_at), count(*) FROM _bin").fetchall()
        self._oldest_in_bin, self._rows_in_bin = bin_state[0]
        self._shown_until = database.scalar(cursor, "SELECT min(until) FROM _shown")

    def oldest_open_stamp(self) -> datetime | None:
        """Stamp (naive UTC) of the longest transaction that has not committed yet."""
        return self._pending.oldest_stamp()

    def _count_writes(self, names: Sequence[str]) -> None:
        self._count_removals(names)
        self._referrers.outdate(names)

    def _count_removals(self, names: Sequence[str]) -> None:
        """Count writes after which no row refers to anything that it did not refer to before."""
        self._generation.update(names)
        self._rewritten.update(names)

    @contextmanager
    def _commit(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.transaction() as transaction:
            yield transaction.cursor

    def _write(
        self,
        stamp: datetime,
        delay: timedelta,
        apply: Callable[[duckdb.DuckDBPyConnection], None],
    ) -> None:
        """Apply now, or keep until ``delay`` after the stamp."""
        if delay <= NO_DELAY:
            with self._commit() as cursor:
                apply(cursor)
            return
        with self._lock:
            self._pending.add(Pending(naive(self.clock.now()) + delay, stamp, apply))

    # Loading

    def load(self, object_name: str, table: pa.Table) -> None:
        """Append an Arrow table to an object's rows; see ``schema`` for the types.

        May be called again and again with parts of a large object.
        """
        of = self._object(object_name)
        load.check_columns(of, table)
        with self._commit() as cursor:
            whole = load.with_ids(of, load.without_zones(table), self._counters)
            system = load.stamps(naive(self.clock.stamp()), self._first_user_id)
            load.append(cursor, of, whole, system)
            self._count_writes([of.name])
            if "IsDeleted" in table.column_names:
                self._bin_loaded(cursor, of)

    def _bin_loaded(self, cursor: duckdb.DuckDBPyConnection, of: ObjectDef) -> None:
        """Rows that come deleted lie in the bin since their last change."""
        since = '"SystemModstamp"' if of.field("SystemModstamp") else '"CreatedDate"'
        owner = '"OwnerId"' if of.field("OwnerId") else "NULL"
        name, table = tables.text(of.name), tables.name(of.name)
        fresh = f"""FROM {table} t WHERE "IsDeleted"
            AND NOT EXISTS (SELECT 1 FROM _bin b WHERE b.id = t."Id")"""
        cursor.execute(f'INSERT INTO _deleted SELECT {name}, "Id", {since}, {owner} {fresh}')
        cursor.execute(f'INSERT INTO _bin SELECT {name}, "Id", "Id", {since}, FALSE {fresh}')
        self._note_bin(cursor)

    # Edits

    def author(self, user_id: str, stamp: datetime | None) -> writes.Author:
        """Return the author and the time of a write: the clock's stamp unless one is given."""
        return writes.Author(user_id, naive(stamp or self.clock.stamp()))

    def insert(
        self,
        user_id: str,
        object_name: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        visible_after: timedelta = NO_DELAY,
        stamp: datetime | None = None,
    ) -> list[str]:
        """Insert rows of field values; gives their ids. All or nothing."""
        of = self._object(object_name)
        author = self.author(user_id, stamp)
        with self._lock:
            staged = writes.stage_inserts(of, self._keep_bytes(of, rows), self._counters)
        system = load.stamps(author.stamp, user_id)

        def apply(cursor: duckdb.DuckDBPyConnection) -> None:
            load.append(cursor, of, staged, system)
            self._count_writes([of.name])

        self._write(author.stamp, visible_after, apply)
        return [str(key) for key in staged.column("Id").to_pylist()]

    def _keep_bytes(
        self, of: ObjectDef, rows: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        named = [field.name for field in of.stored if field.type is FieldType.BASE64]
        if not named:
            return rows
        return [
            {
                key: self.keep(value) if key in named and isinstance(value, bytes) else value
                for key, value in row.items()
            }
            for row in rows
        ]

    def keep(self, content: bytes) -> str:
        """Keep uploaded bytes; gives the token that a blob field holds for them."""
        return self.keep_all([content])[0]

    def keep_all(self, contents: Sequence[bytes]) -> list[str]:
        """Store several contents together."""
        keys = [hashlib.sha256(content).hexdigest() for content in contents]
        different = dict(zip(keys, contents, strict=True))
        columns = {"key": pa.array([*different], pa.string()), "content": [*different.values()]}
        with self._commit() as cursor:
            cursor.register("_kept", pa.table(columns))
            try:
                cursor.execute(
                    "INSERT INTO _bytes SELECT key, content FROM _kept k WHERE NOT EXISTS "
                    "(SELECT 1 FROM _bytes b WHERE b.key = k.key)"
                )
            finally:
                cursor.unregister("_kept")
        return [
            blobs.stored_token(key, len(content))
            for key, content in zip(keys, contents, strict=True)
        ]

    def add_images(self, stored: Sequence[images.StoredImage]) -> list[str]:
        """Keep images of rich texts; gives their ids of 15 characters."""
        with self._commit() as cursor:
            return images.add(cursor, stored)

    def image(self, record: str, field: str, refid: str) -> str | None:
        """The token of the bytes of an image in a field of a record; None if there is none."""
        return images.token_of(self.cursor(), record=record, field=field, refid=refid)

    def lose_image(self, refid: str) -> None:
        """Lose the bytes of an image, whose address stays in texts."""
        with self._commit() as cursor:
            images.lose(cursor, refid)

    def content(self, token: str) -> Iterator[bytes]:
        """The bytes that a token of a blob field stands for."""
        kind, seed, size = blobs.parse(token)
        if kind != blobs.STORED:
            return blobs.BlobRecipe(kind, int(seed), size).chunks()
        cursor = self.cursor()
        row = cursor.execute("SELECT content FROM _bytes WHERE key = ?", [seed]).fetchone()
        return blobs.cut(bytes(row[0]) if row else b"")

    def update(
        self,
        user_id: str,
        object_name: str,
        changes: Mapping[str, Mapping[str, Any]],
        *,
        visible_after: timedelta = NO_DELAY,
        stamp: datetime | None = None,
    ) -> None:
        """Change rows by id, field by field; ids without a live row are refused as deleted."""
        of = self._object(object_name)
        author = self.author(user_id, stamp)
        staged = writes.stage_updates(of, changes)
        self.check_live(of, staged.table.column("Id").to_pylist())
        self._write(author.stamp, visible_after, lambda at: self._change(at, of, staged, author))

    def update_chosen(
        self,
        user_id: str,
        object_name: str,
        chosen_sql: str,
        assignments: Mapping[str, str],
        *,
        visible_after: timedelta = NO_DELAY,
        stamp: datetime | None = None,
    ) -> int:
        """Assign DuckDB expressions to all rows of ``FROM … WHERE …``; gives how many."""
        of = self._object(object_name)
        author = self.author(user_id, stamp)
        staged = writes.stage_where(self.cursor(), of, chosen_sql, assignments)
        self._write(author.stamp, visible_after, lambda at: self._change(at, of, staged, author))
        return int(staged.table.num_rows)

    def append(self, of: ObjectDef, rows: pa.Table, author: writes.Author) -> list[str]:
        """Insert staged rows (columns of stored fields, without Id); gives their ids."""
        with self.transaction() as transaction:
            whole = load.with_ids(of, rows, self._counters)
            load.append(transaction.cursor, of, whole, load.stamps(author.stamp, author.user_id))
            self._generation[of.name] += 1
            self._referrers.outdate([of.name])
        return [str(key) for key in whole.column("Id").to_pylist()]

    def change(self, of: ObjectDef, staged: writes.Staged, author: writes.Author) -> None:
        """Apply staged changes to live rows and write their history."""
        with self.transaction() as transaction:
            self._change(transaction.cursor, of, staged, author)

    def _change(
        self,
        cursor: duckdb.DuckDBPyConnection,
        of: ObjectDef,
        staged: writes.Staged,
        author: writes.Author,
    ) -> None:
        history = self.schema.get(history_name(of.name))
        if history is not None:
            rows = writes.history_rows(cursor, of, history, staged)
            if rows is not None and rows.num_rows:
                whole = load.with_ids(history, rows, self._counters)
                load.append(cursor, history, whole, load.stamps(author.stamp, author.user_id))
                self._count_writes([history.name])
        writes.apply_updates(cursor, of, staged, author)
        self._count_writes([of.name])

    def check_live(self, of: ObjectDef, chosen: Sequence[str]) -> None:
        """Refuse ids that have no live row, as the API does."""
        live = {key for key, deleted in self.find(of, chosen) if not deleted}
        missing = [key for key in chosen if key not in live]
        if missing:
            raise doomed.gone()

    def find(self, of: ObjectDef, chosen: Sequence[str]) -> list[tuple[str, bool]]:
        """Return the ids that exist, each with a flag for deleted."""
        if not chosen:
            return []
        cursor = self.cursor()
        order = [ids.counter_of(key) for key in chosen]
        cursor.register("_asked", pa.table({"id": pa.array(chosen, pa.string()), "k": order}))
        flag = 't."IsDeleted"' if of.field("IsDeleted") else "FALSE"
        return cursor.execute(
            f'SELECT t."Id", {flag} FROM {tables.name(of.name)} t JOIN _asked a '
            f'ON t.{tables.ORDER} = a.k AND t."Id" = a.id'
        ).fetchall()

    # Deletes and the bin

    def remove(
        self, of: ObjectDef, chosen: Sequence[str], author: writes.Author, *, hard: bool = False
    ) -> dict[str, SalesforceError]:
        """Delete live rows at the author's time, except rows that cannot be deleted now.

        Gives the reasons of those that stay. What hangs on a row that stays does not go either, and
        may keep another row.
        """
        deletion = deletes.Deletion(author.stamp, author.user_id, hard)
        refused: dict[str, SalesforceError] = {}
        going = list(chosen)
        with self.transaction() as transaction:
            while going:
                obstacles = self._try_delete(transaction.cursor, of, going, deletion)
                if not obstacles:
                    break
                refused |= obstacles
                going = [key for key in going if key not in obstacles]
        return refused

    def independent(self, of: ObjectDef, chosen: Sequence[str]) -> bool:
        """True if no row that goes with one of these refers to a row that goes with another one."""
        with self.transaction() as transaction:
            going = [key for key, deleted in self.find(of, chosen) if not deleted]
            marked = Doomed(transaction.cursor, self.schema, self._referrers)
            marked.choose(of, going)
            is_independent = marked.is_independent()
            marked.end()
            return is_independent

    def _try_delete(
        self,
        cursor: duckdb.DuckDBPyConnection,
        of: ObjectDef,
        chosen: Sequence[str],
        deletion: deletes.Deletion,
    ) -> dict[str, SalesforceError]:
        """Delete rows unless something is in the way of one of them, which is returned."""
        marked = Doomed(cursor, self.schema, self._referrers)
        marked.choose(of, chosen)
        # All checks come before the first change: a refused delete must change nothing.
        obstacles = marked.obstacles(of, self.settings.most_cascaded)
        if not obstacles:
            deleted = deletes.delete(marked, deletion)
            self._count_removals(deleted.objects)
            self._add_to_bin(cursor, deleted.binned, deletion.stamp)
        marked.end()
        return obstacles

    def undeletable(self, of: ObjectDef, chosen: Sequence[str]) -> set[str]:
        """Return the ids of rows of the object that can be undeleted."""
        return recyclebin.undeletable(self.cursor(), of.name, chosen)

    def bin_entries(self, of: ObjectDef, chosen: Sequence[str]) -> set[str]:
        """Return the ids of rows of the object that have an entry in the bin themselves."""
        return recyclebin.entries(self.cursor(), of.name, chosen)

    def delete(
        self,
        user_id: str,
        object_name: str,
        chosen: Sequence[str],
        *,
        hard: bool = False,
        visible_after: timedelta = NO_DELAY,
        stamp: datetime | None = None,
    ) -> None:
        """Delete rows with what hangs on them, into the bin or for good."""
        of = self._object(object_name)
        keys = ids.full_many(chosen)
        author = self.author(user_id, stamp)
        deletion = deletes.Deletion(author.stamp, author.user_id, hard)

        def apply(cursor: duckdb.DuckDBPyConnection) -> None:
            for error in self._try_delete(cursor, of, keys, deletion).values():
                raise error

        self._write(deletion.stamp, visible_after, apply)

    def _add_to_bin(self, cursor: duckdb.DuckDBPyConnection, rows: int, stamp: datetime) -> None:
        if rows:
            self._oldest_in_bin = min(self._oldest_in_bin or stamp, stamp)
            self._rows_in_bin += rows
            self._purge_surplus(cursor, naive(self.clock.now()))

    def undelete(self, chosen: Sequence[str]) -> None:
        """Bring rows back from the bin, with what went with them."""
        stamp = naive(self.clock.stamp())
        with self._commit() as cursor:
            keys = ids.full_many(chosen)
            self._count_writes(recyclebin.undelete(cursor, self.schema, keys, stamp))
            self._note_bin(cursor)

    def empty_bin(
        self, chosen: Sequence[str] | None = None, *, object_name: str | None = None
    ) -> int:
        """Purge these rows, or an object's, or all from the bin; gives how many rows went."""
        shown = self.settings.emptied_shown
        until = naive(self.clock.now()) + shown if shown else None
        with self._commit() as cursor:
            if chosen is None:
                purged = recyclebin.empty_all(cursor, object_name, until)
            else:
                purged = recyclebin.empty(cursor, ids.full_many(chosen), until)
            return self._purged(cursor, purged)

    def purge_expired(self) -> int:
        """Purge what has been in the bin for its 15 days; gives how many rows went."""
        with self._commit() as cursor:
            limit = naive(self.clock.now()) - timedelta(days=self.settings.bin_days)
            return self._purged(cursor, recyclebin.purge_before(cursor, limit))

    def _purged(self, cursor: duckdb.DuckDBPyConnection, purged: Mapping[str, int]) -> int:
        self._count_removals(list(purged))
        self._note_bin(cursor)
        return sum(purged.values())

    # The log of deletions

    def trim_delete_log(self, before: datetime, object_name: str | None = None) -> None:
        """Forget deletions of one object, or of all, before an instant."""
        chosen = [
            definition.name
            for definition in self.schema.objects
            if object_name in {None, definition.name}
        ]
        with self._commit() as cursor:
            for name in chosen:
                cursor.execute(
                    "DELETE FROM _deleted WHERE object = ? AND deleted_at < ?",
                    [name, naive(before)],
                )
                self._trimmed_before[name] = before

    def deletions_known_since(self, object_name: str) -> datetime:
        """From when on the log of deletions is complete (``earliestDateAvailable``)."""
        oldest = self.clock.stamp() - timedelta(days=self.settings.delete_log_days)
        trimmed = self._trimmed_before.get(object_name)
        return oldest if trimmed is None else max(oldest, trimmed)

    # Truth for tests

    def holds(self, object_name: str) -> Holding:
        """Count the live and deleted rows of an object."""
        of = self._object(object_name)
        flag = '"IsDeleted"' if of.field("IsDeleted") else "FALSE"
        live, deleted = (
            self.cursor()
            .execute(
                f"SELECT count(*) FILTER (NOT {flag}), count(*) FILTER ({flag}) "
                f"FROM {tables.name(of.name)}"
            )
            .fetchall()[0]
        )
        return Holding(live, deleted)

    # Schema changes

    def change_object(self, name: str, change: Callable[[ObjectDef], evolve.Change]) -> None:
        """Put what ``change`` makes of an object, and its changed table, in force."""
        with self._lock:
            changed, statements = change(self._object(name))
            with self._commit() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            self._set_schema(self.schema.replaced(changed))
            self._count_writes([changed.name])

    def add_object(self, of: ObjectDef) -> None:
        """A new, empty object."""
        with self._lock:
            with self._commit() as cursor:
                cursor.execute(tables.create_table(of))
            self._set_schema(self.schema.replaced(of))

    def drop_object(self, object_name: str) -> None:
        """Without the object, its rows, and what the bin and the delete log know of it."""
        of = self._object(object_name)
        with self._lock:
            with self._commit() as cursor:
                cursor.execute(f"DROP TABLE {tables.name(of.name)}")
                for register in ("_bin", "_deleted", "_nulled", "_shown"):
                    cursor.execute(f"DELETE FROM {register} WHERE object = {tables.text(of.name)}")
            self._set_schema(self.schema.without(of.name))
            self._count_writes([of.name])

    def await_writer(self) -> None:
        """Return when no write, hence no change of the schema, is under way."""
        with self._lock:
            return

    def _set_schema(self, schema: Schema) -> None:
        self.schema = schema
        self.schema_changed_at = self.clock.stamp()
