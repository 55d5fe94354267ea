"""What administrators take from the backup user and give back, and what the user then sees.

People keep all rights by a role.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stateful.servicenow.desk import (
    ADMIN,
    BACKUP,
    CLASSES,
    HELPDESK,
    OSAKA,
    PEOPLE,
    READ_ONLY,
    TASK,
    Desk,
)
from unlost_simulators.servicenow.access.acls import Operation
from unlost_simulators.servicenow.access.defaults import DEFAULTS
from unlost_simulators.servicenow.model.columns import CLASS, ID
from unlost_simulators.servicenow.query.encoded import parse
from unlost_simulators.servicenow.reading import Reader, Search
from unlost_simulators.servicenow.settings import HiddenColumn

ARCHIVE = "ar_"
type Row = Mapping[str, str]


@dataclass
class Administrators:
    """The rules of the instance; each change writes all of them anew.

    ``hidden_rows``: hidden by an ACL, by table; ``ruled_rows``: by a before-query rule.
    ``hidden_columns``: the records in which a column is hidden; none means in all of them.
    ``query_acls``: (table, column, operation). ``closed``: tables that an ACL closes.
    """

    desk: Desk
    hidden_rows: dict[str, set[str]] = field(default_factory=dict)
    ruled_rows: dict[str, set[str]] = field(default_factory=dict)
    hidden_columns: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    query_acls: set[tuple[str, str, str]] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    shut: set[str] = field(default_factory=set)  # to REST
    admin: bool = True
    domains: bool = False

    def apply(self) -> None:
        """Write the rules into the instance."""
        post = self.desk.post
        post("acls/clear")
        for rule in DEFAULTS:
            self.desk.instance.add_acl(rule)
        for table in sorted(self.closed):
            self._acl(table, roles=[PEOPLE])
        for table, records in sorted(self.hidden_rows.items()):
            if records and table not in self.closed:  # of two rules of a table one suffices
                self._acl(table, condition=f"{ID}NOT IN{','.join(sorted(records))}")
                self._acl(table, roles=[PEOPLE])
        for (table, column), records in sorted(self.hidden_columns.items()):
            self._acl(table, column=column, roles=[PEOPLE])
            if records:
                condition = f"{ID}NOT IN{','.join(sorted(records))}"
                self._acl(table, column=column, condition=condition)
        for table, column, operation in sorted(self.query_acls):
            self._acl(table, operation, column=column, roles=[PEOPLE])
        post("rules/clear")
        for table, records in sorted(self.ruled_rows.items()):
            if records:
                condition = f"{ID}NOT IN{','.join(sorted(records))}"
                post(
                    "rules/query", name="Own work", table=table, condition=condition, roles=[PEOPLE]
                )
        roles = (ADMIN, READ_ONLY) if self.admin else (HELPDESK, READ_ONLY)
        self.desk.give_roles(BACKUP, *roles)
        self.desk.post("settings", domains=self.domains)
        for table in self.desk.instance.schema.tables():
            if table.web_access == (table.name in self.shut):
                post("schema/web-access", table=table.name, open=table.name not in self.shut)

    def _acl(self, table: str, operation: str = Operation.READ, **parts: object) -> None:
        rule = {"roles": [], "admin_overrides": False, **parts}
        self.desk.post("acls", table=table, operation=operation, **rule)

    def give_back(self) -> None:
        """Give everything back."""
        for taken in (
            self.hidden_rows, self.ruled_rows, self.hidden_columns, self.query_acls, self.closed,
            self.shut,
        ):  # fmt: skip
            taken.clear()
        self.admin, self.domains = True, False
        self.apply()

    def fingerprint(self) -> str:
        """A text that differs when any of the rights does."""
        return repr((
            self.hidden_rows, self.ruled_rows, self.hidden_columns, sorted(self.query_acls),
            sorted(self.closed), sorted(self.shut), self.admin, self.domains,
        ))  # fmt: skip

    @property
    def looks_empty(self) -> bool:
        """True if a hidden cell looks empty to this user: the instance sends it so, and no rule tells."""
        empty = self.desk.instance.settings.hidden_column is HiddenColumn.EMPTY
        return empty and not self.admin

    @property
    def whole(self) -> bool:
        """True if nothing is taken away."""
        return self.fingerprint() == Administrators(self.desk).fingerprint()

    # --- what is true ------------------------------------------------------------------------------

    def visible(self, table: str) -> dict[str, Row]:
        """The rows of a class and of its archive that the user may see, without hidden cells.

        The rights decide here without any condition of a query, as nothing must be refused.
        """
        if table in self.shut:
            return {}
        rows: dict[str, Row] = {}
        for source in (f"{ARCHIVE}{table}", table):
            rows |= self._visible_in(source, table)
        return rows

    def _visible_in(self, source: str, table: str) -> dict[str, Row]:
        instance = self.desk.instance
        if instance.schema.get(source) is None:
            return {}
        reader = self._reader()
        search = Search(source, parse(""), no_domain=self.admin)
        page = reader.page(search, limit=-1, offset=0)
        rows = [row for row in page.rows if row.get(CLASS, table) == table]
        closed = {
            column: reader.closed_cells(source, column, rows, Operation.READ)
            for column in instance.schema.columns(source)
        }
        return {
            row[ID]: {name: cell for name, cell in row.items() if row[ID] not in closed[name]}
            for row in rows
        }

    def _reader(self) -> Reader:
        user = self.desk.instance.users.get(BACKUP)
        assert user is not None
        return Reader(self.desk.instance, user)

    def existing(self, table: str) -> dict[str, Row]:
        """The rows of a class and of its archive, past all rights."""
        archive = f"{ARCHIVE}{table}"
        archived = self.desk.instance.schema.get(archive) is not None
        return {
            **(self.desk.rows(table, source=archive) if archived else {}),
            **self.desk.rows(table),
        }

    def moved(self, table: str) -> set[str]:
        """The records that have another class of the same root now."""
        if table not in (TASK, *CLASSES):
            return set()
        rows = self.desk.served.get("records", table=TASK)
        return {row[ID] for row in rows if row[CLASS] != table}

    def in_domain(self, record: str) -> None:
        """Give a record to a domain; the user sees it while an admin."""
        self.desk.update(TASK, record, sys_domain=OSAKA)
