"""The rights of the backup user: roles and ACLs, and the gaps that follow from missing ones.

Sources: ServiceNow docs, "Access control list rules" (the rules of the nearest table count; of
several rules one must pass; admins pass where the rule says so), "Query ACLs" (query_range for
comparisons and sorting, query_match for equality) and "Before query business rules" (they take rows
away, also from counts). Conditions and scripts are not evaluated here: what they decide counts as
hidden. That a user reads all rows who passes every rule by the role admin is an inference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from unlost.connectors.servicenow.access.identity import BackupUser, read_user
from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.connectors.servicenow.http.walk import RowCondition, WalkQuery, known_rows
from unlost.kit.rights import rights_hash
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.schema import ALL_ROWS, ROWS

ADMIN = "admin"
ACLS, ACL_ROLES, USER_ROLES = "sys_security_acl", "sys_security_acl_role", "sys_user_has_role"
SCRIPTS = "sys_script"
READ, RANGE, MATCH = "read", "query_range", "query_match"
CREATE, WRITE, DELETE = "create", "write", "delete"
CONDITIONAL = "conditional_table_query_range"
READING, WRITING = (READ, RANGE, MATCH, CONDITIONAL), (CREATE, WRITE, DELETE)
READ_ONLY = "snc_read_only"  # this role forbids all writes
BEFORE_QUERY = (
    RowCondition("active", among=("true",)), RowCondition("action_query", among=("true",)),
)  # fmt: skip
ANY = "*"
ROLE_NAME = "role.name"
NEEDED_ROLE = "sys_user_role.name"


@dataclass(frozen=True, slots=True)
class AccessRule:
    """An active ACL. ``name`` is a table, or a table and a column with a dot between them."""

    name: str
    operation: str
    roles: frozenset[str] = frozenset()
    admin_overrides: bool = True
    restricts_rows: bool = False


@dataclass(frozen=True, slots=True)
class AccessFacts:
    """Roles of the user, and all rules that matter for reading; None where they are not shown.

    ``query_rules``: names of before-query business rules by table. ``some_domains``: the user sees
    only rows of some domains, and counts show no others.
    """

    user: BackupUser
    roles: frozenset[str] | None
    rules: Mapping[tuple[str, str], tuple[AccessRule, ...]] | None = None
    query_rules: Mapping[str, tuple[str, ...]] | None = field(default_factory=dict)
    some_domains: bool = False

    @property
    def is_admin(self) -> bool:
        """True if the user is known to have the role admin, and all rules are known."""
        known = self.rules is not None and self.query_rules is not None
        return known and ADMIN in (self.roles or ())

    def grants(self, lineage: Sequence[str]) -> tuple[str, ...]:
        """The rights on the rows of a table: all, or a hash of what decides about them."""
        rules = self._nearest(READ, (*lineage, ANY), "")
        queries = self.before_query(lineage)
        always = all(rule.admin_overrides for rule in rules)
        if self.is_admin and always and not queries and not self.some_domains:
            return (ALL_ROWS,)
        known = "" if self.rules is None else "known"
        facts = [known, sorted(self.roles or ()), [_facts(rule) for rule in rules], queries]
        return (f"{ROWS}{rights_hash(facts)[:16]}",)

    def before_query(self, lineage: Sequence[str]) -> list[str]:
        """The names of the rules that may take rows of a table away."""
        return [name for table in lineage for name in (self.query_rules or {}).get(table, ())]

    def hidden_columns(self, lineage: Sequence[str], columns: Sequence[str]) -> frozenset[str]:
        """The columns that this user is not sure to read in each row.

        Where a condition or a script decides, the cells of some rows would come empty, as if they
        had been cleared.
        """

        def is_sure(name: str) -> bool:
            rules = self._nearest(READ, (*lineage, ANY), name)
            return not rules or any(self._passes(rule) and self._is_sure(rule) for rule in rules)

        return frozenset(name for name in columns if not is_sure(name))

    def blocked_column(self, lineage: Sequence[str], needs: Iterable[tuple[str, str]]) -> str:
        """The first column, of those to query by an operation, that a query ACL closes; or empty."""
        blocked = (
            column
            for column, operation in needs
            if self._nearest(operation, (*lineage, ANY), column)
            and not self.may(operation, lineage, column)
        )
        return next(blocked, "")

    def may(self, operation: str, lineage: Sequence[str], column: str = "") -> bool:
        """True unless no ACL of the table, or of the column, lets this user do it."""
        rules = self._nearest(operation, (*lineage, ANY), column)
        return not rules or any(self._passes(rule) for rule in rules)

    def may_lack_ranges(self, lineage: Sequence[str], columns: Iterable[str]) -> bool:
        """True unless this user is sure to pass each rule of the operation ``CONDITIONAL``.

        ServiceNow does not document it; that it can refuse ranges on a column is an inference.
        """
        names = ("", *columns)
        rules = (self._nearest(CONDITIONAL, (*lineage, ANY), name) for name in names)
        sure = (self._passes(rule) and self._is_sure(rule) for each in rules for rule in each)
        return self.rules is None or not all(sure)

    def _passes(self, rule: AccessRule) -> bool:
        if rule.admin_overrides and ADMIN in (self.roles or ()):
            return True
        return not rule.roles or bool(rule.roles & (self.roles or frozenset()))

    def _is_sure(self, rule: AccessRule) -> bool:
        return not rule.restricts_rows or (rule.admin_overrides and ADMIN in (self.roles or ()))

    def _nearest(
        self, operation: str, tables: Sequence[str], column: str
    ) -> tuple[AccessRule, ...]:
        """The rules of the nearest table that has some: of the column, else of all columns."""
        endings = (f".{column}", f".{ANY}") if column else ("",)
        for ending in endings:
            for table in tables:
                rules = (self.rules or {}).get((operation, f"{table}{ending}"), ())
                if rules:
                    return rules
        return ()


def read_access(api: ServiceNowApi, operations: tuple[str, ...] = READING) -> AccessFacts:
    """Read roles and rules; what ServiceNow does not show completely is not known."""
    user = read_user(api)
    rules, queries = _rules(api, operations), _query_rules(api)
    return AccessFacts(user, _roles(api, user), rules, queries, some_domains=api.some_domains)


def missing_rights(facts: AccessFacts) -> Iterator[Finding]:
    """Gaps in protection because of missing rights."""
    if facts.rules is None or facts.query_rules is None:
        yield Finding.of(
            FindingKind.PERMISSION_MISSING,
            Severity.GAP,
            "The backup user may not read all access rules (ACLs) and business rules, so hidden "
            "columns and records may go unnoticed.",
            "Give the backup user the role admin, together with snc_read_only.",
            detail=ACLS,
        )
    elif not facts.is_admin:
        yield Finding.of(
            FindingKind.PERMISSION_MISSING,
            Severity.GAP,
            "The backup user does not have the role admin, so records may be hidden. No deletion is "
            "inferred from records that are missing.",
            "Give the backup user the role admin, together with snc_read_only.",
            detail=ADMIN,
        )


def _roles(api: ServiceNowApi, user: BackupUser) -> frozenset[str] | None:
    if not user.id:
        return None
    mine = (RowCondition("user", among=(user.id,)), RowCondition("state", among=("active",)))
    rows = known_rows(api, WalkQuery(USER_ROLES, (ROLE_NAME,), mine))
    return None if rows is None else frozenset(row.get(ROLE_NAME, "") for row in rows)


def _rules(
    api: ServiceNowApi, operations: tuple[str, ...]
) -> dict[tuple[str, str], tuple[AccessRule, ...]] | None:
    columns = ("name", "operation", "active", "admin_overrides", "condition", "script")
    rows = known_rows(api, WalkQuery(ACLS, columns, (RowCondition("operation", among=operations),)))
    roles = known_rows(api, WalkQuery(ACL_ROLES, (ACLS, NEEDED_ROLE)))
    if not rows or roles is None:
        return None
    needed: dict[str, set[str]] = {}
    for row in roles:
        needed.setdefault(row.get(ACLS, ""), set()).add(row.get(NEEDED_ROLE, ""))
    rules = [
        AccessRule(
            row.get("name", ""),
            row.get("operation", ""),
            frozenset(needed.get(row["sys_id"], ())),
            row.get("admin_overrides") != "false",
            "condition" in row or "script" in row,
        )
        for row in rows
        if row.get("active") != "false"
    ]
    by_target = groupby(sorted(rules, key=_facts), lambda rule: (rule.operation, rule.name))
    return {key: tuple(values) for key, values in by_target}


def _query_rules(api: ServiceNowApi) -> dict[str, tuple[str, ...]] | None:
    rows = known_rows(api, WalkQuery(SCRIPTS, ("collection", "name"), BEFORE_QUERY))
    if rows is None:
        return None
    names = sorted((row.get("collection", ""), row.get("name", "")) for row in rows)
    by_table = groupby(names, itemgetter(0))
    return {table: tuple(name for _, name in rules) for table, rules in by_table}


def _facts(rule: AccessRule) -> tuple[str, str, str, bool, bool]:
    roles = ",".join(sorted(rule.roles))
    return rule.name, rule.operation, roles, rule.admin_overrides, rule.restricts_rows
