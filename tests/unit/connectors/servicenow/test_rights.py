"""Rights: which ACLs count, which columns they hide, and which queries they close."""

from typing import Any

import pytest

from unlost.connectors.servicenow.access.identity import BackupUser
from unlost.connectors.servicenow.access.rights import (
    CONDITIONAL,
    MATCH,
    RANGE,
    READ,
    AccessFacts,
    AccessRule,
    missing_rights,
)
from unlost.model.source.schema import ALL_ROWS

LINEAGE = ("incident", "task")
USER = BackupUser("1", "backup")


def rule(name: str, operation: str = READ, **parts: Any) -> AccessRule:
    return AccessRule(name, operation, **parts)


def facts(*rules: AccessRule, roles: frozenset[str] = frozenset({"admin"})) -> AccessFacts:
    by_name: dict[tuple[str, str], tuple[AccessRule, ...]] = {}
    for each in rules:
        key = (each.operation, each.name)
        by_name[key] = (*by_name.get(key, ()), each)
    return AccessFacts(USER, roles, by_name)


NOBODY = frozenset({"nobody"})
STRICT = {"roles": NOBODY, "admin_overrides": False}


def test_an_admin_sees_all_rows_where_rules_let_admins_override() -> None:
    assert facts().grants(LINEAGE) == (ALL_ROWS,)
    assert facts(rule("incident", roles=NOBODY)).grants(LINEAGE) == (ALL_ROWS,)


@pytest.mark.parametrize("name", ["incident", "task", "*"])
def test_a_rule_that_admins_do_not_override_may_hide_rows(name: str) -> None:
    (grant,) = facts(rule(name, admin_overrides=False)).grants(LINEAGE)
    assert grant.startswith("rows:")
    assert grant != ALL_ROWS


def test_the_rules_of_the_nearest_table_count() -> None:
    access = facts(rule("incident"), rule("task", admin_overrides=False))
    assert access.grants(LINEAGE) == (ALL_ROWS,)
    assert access.grants(("task",)) != (ALL_ROWS,)


def test_a_user_without_admin_is_never_known_to_see_all_rows() -> None:
    first = facts(roles=frozenset({"itil"})).grants(LINEAGE)
    assert first != (ALL_ROWS,)
    assert first != facts(roles=frozenset({"itil", "more"})).grants(LINEAGE)
    assert first != facts(rule("task"), roles=frozenset({"itil"})).grants(LINEAGE)


def test_unknown_rules_are_not_trusted() -> None:
    blind = AccessFacts(USER, frozenset({"admin"}), None)
    assert not blind.is_admin
    assert blind.grants(LINEAGE) != (ALL_ROWS,)
    assert "access rules" in next(missing_rights(blind)).sentence


def test_missing_rights_are_named() -> None:
    assert list(missing_rights(facts())) == []
    assert "role admin" in next(missing_rights(facts(roles=frozenset()))).sentence


def test_columns_are_hidden_by_roles() -> None:
    access = facts(rule("task.number", **STRICT), rule("incident.state", roles=NOBODY))
    assert access.hidden_columns(LINEAGE, ("number", "state", "sys_id")) == {"number"}
    narrow = facts(rule("incident.state", roles=NOBODY), roles=frozenset({"itil"}))
    assert narrow.hidden_columns(LINEAGE, ("number", "state")) == {"state"}


def test_a_rule_of_the_column_comes_before_one_of_all_columns() -> None:
    access = facts(rule("incident.*", **STRICT), rule("task.number"))
    assert access.hidden_columns(LINEAGE, ("number", "state")) == {"state"}


def test_one_of_several_rules_is_enough() -> None:
    access = facts(rule("incident.state", **STRICT), rule("incident.state"))
    assert access.hidden_columns(LINEAGE, ("state",)) == frozenset()


@pytest.mark.parametrize("overrides", [True, False])
def test_a_column_whose_rule_has_a_condition_is_not_sure_to_be_read(overrides: bool) -> None:
    conditional = rule("incident.state", restricts_rows=True, admin_overrides=overrides)
    hidden = facts(conditional).hidden_columns(LINEAGE, ("state",))
    assert hidden == (frozenset() if overrides else {"state"})
    assert facts(conditional, rule("incident.state")).hidden_columns(LINEAGE, ("state",)) == set()


def test_a_before_query_rule_may_hide_rows_of_the_table_and_of_its_descendants() -> None:
    ruled = AccessFacts(USER, frozenset({"admin"}), {}, {"task": ("Own tasks",)})
    assert ruled.before_query(LINEAGE) == ["Own tasks"]
    assert ruled.grants(LINEAGE) != (ALL_ROWS,)
    assert ruled.grants(("cmdb_ci",)) == (ALL_ROWS,)
    other = AccessFacts(USER, frozenset({"admin"}), {}, {"task": ("Other",)})
    assert other.grants(LINEAGE) != ruled.grants(LINEAGE)


def test_unknown_business_rules_are_not_trusted() -> None:
    blind = AccessFacts(USER, frozenset({"admin"}), {}, None)
    assert blind.grants(LINEAGE) != (ALL_ROWS,)
    assert "business rules" in next(missing_rights(blind)).sentence


RANGED = ("sys_id", "sys_updated_on")


@pytest.mark.parametrize("name", ["incident", "task", "task.*", "incident.sys_updated_on", "*.*"])
def test_a_conditional_rule_that_admins_do_not_override_may_refuse_ranges(name: str) -> None:
    assert not facts().may_lack_ranges(LINEAGE, RANGED)
    assert not facts(rule(name, CONDITIONAL, roles=NOBODY)).may_lack_ranges(LINEAGE, RANGED)
    assert facts(rule(name, CONDITIONAL, **STRICT)).may_lack_ranges(LINEAGE, RANGED)
    scripted = rule(name, CONDITIONAL, admin_overrides=False, restricts_rows=True)
    assert facts(scripted).may_lack_ranges(LINEAGE, RANGED)


def test_ranges_are_not_sure_where_the_rules_are_unknown() -> None:
    assert AccessFacts(USER, frozenset({"admin"}), None).may_lack_ranges(LINEAGE, RANGED)
    elsewhere = facts(rule("incident.priority", CONDITIONAL, **STRICT))
    assert not elsewhere.may_lack_ranges(LINEAGE, RANGED)


def test_a_query_acl_closes_a_column() -> None:
    needs = [("sys_id", RANGE), ("sys_class_name", MATCH)]
    assert facts().blocked_column(LINEAGE, needs) == ""
    closed = facts(rule("task.sys_id", RANGE, **STRICT))
    assert closed.blocked_column(LINEAGE, needs) == "sys_id"
    assert facts(rule("*.*", RANGE, **STRICT)).blocked_column(LINEAGE, needs) == "sys_id"
    match = facts(rule("incident.sys_class_name", MATCH, **STRICT))
    assert match.blocked_column(LINEAGE, needs) == "sys_class_name"
    opened = facts(rule("task.sys_id", RANGE, roles=frozenset({"admin"})))
    assert opened.blocked_column(LINEAGE, needs) == ""
