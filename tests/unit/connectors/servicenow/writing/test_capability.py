"""What may be written, made of the dictionary, rules and ACLs."""

from typing import Any

import pytest

from unlost.connectors.servicenow.access.identity import BackupUser
from unlost.connectors.servicenow.access.rights import AccessFacts, AccessRule
from unlost.connectors.servicenow.schema.dictionary import DictionaryColumn, DictionaryTable
from unlost.connectors.servicenow.writing.capability import (
    WriteFacts,
    capability_of,
    encrypted_columns,
    proved_columns,
)
from unlost.model.source.writing import Birth, MatchKey, NeverReason, WriteCapability, WriteOp


def described(name: str, *columns: DictionaryColumn, **parts: Any) -> DictionaryTable:
    given = {column.name: column for column in columns}
    stamps = {each: DictionaryColumn(each, "string") for each in ("sys_id", "sys_created_on")}
    lineage = parts.pop("lineage", (name,))
    return DictionaryTable(name, name.title(), lineage, {**stamps, **given}, **parts)


def text(name: str, **parts: Any) -> DictionaryColumn:
    return DictionaryColumn(name, parts.pop("kind", "string"), **parts)


def link(name: str) -> DictionaryColumn:
    return DictionaryColumn(name, "reference", target=f"{name}_table")


def reasons(capability: WriteCapability) -> dict[str, NeverReason]:
    return {each.column: each.reason for each in capability.never}


EVERYTHING = WriteFacts()


def test_columns_are_written_unless_the_dictionary_forbids_it() -> None:
    table = described(
        "u_machine",
        text("number", mandatory=True),
        text("u_place", default="Hall 1"),
        text("u_speed", default="1", choices=(("1", "Slow"),)),
        text("u_notes", kind="html"),
        text("u_serial", read_only=True),
        text("u_sum", virtual=True),
        text("u_pin", kind="password2"),
        text("comments", kind="journal_input"),
        text("sys_class_name"),
    )
    capability = capability_of(table, EVERYTHING)
    written = {"number", "u_place", "u_speed", "u_notes"}
    assert capability.settable == capability.changeable == written
    assert capability.ops == {WriteOp.CREATE, WriteOp.UPDATE, WriteOp.DELETE}
    assert capability.keeps_id
    assert capability.needs_value == {"number"}
    assert capability.defaulted == {"u_place"}  # an empty text does not clear a choice
    assert capability.text_links.columns == {"u_notes"}
    assert capability.late == capability.keys == capability.by_product_when == ()
    assert reasons(capability) == {
        "sys_created_on": NeverReason.SYSTEM,
        "sys_class_name": NeverReason.SYSTEM,
        "u_serial": NeverReason.READ_ONLY,
        "u_pin": NeverReason.SECRET,
    }


def test_what_may_be_stored_otherwise_is_proved() -> None:
    table = described(
        "u", text("a", choices=(("1", "One"),)), text("b", kind="glide_encrypted"), text("c"),
        text("sys_scope"),
    )  # fmt: skip
    assert proved_columns(table) == {"a", "b", "sys_scope"}
    assert encrypted_columns(table) == {"b"}


def test_the_state_of_a_task_comes_last() -> None:
    table = described("incident", text("state"), lineage=("incident", "task"))
    assert [each.column for each in capability_of(table, EVERYTHING).late] == ["state"]


def test_access_rules_take_operations_and_columns() -> None:
    def rule(name: str, operation: str) -> AccessRule:
        return AccessRule(name, operation, frozenset({"nobody"}), admin_overrides=False)

    rules = {
        (operation, name): (rule(name, operation),)
        for operation, name in (("create", "u"), ("write", "u.a"), ("write", "u.b"))
    }
    access = AccessFacts(BackupUser("1", "restore"), frozenset({"admin"}), rules)
    capability = capability_of(described("u", text("a"), text("c")), WriteFacts(access))
    assert capability.ops == {WriteOp.UPDATE, WriteOp.DELETE}
    assert (capability.settable, capability.changeable) == (frozenset(), {"c"})
    assert reasons(capability)["a"] is NeverReason.NO_PERMISSION
    rules |= {(op, "u"): (rule("u", op),) for op in ("create", "write", "delete")}
    capability = capability_of(described("u", text("a")), WriteFacts(access))
    assert (capability.ops, capability.reason) == (frozenset(), "The user may not write to u.")


@pytest.mark.parametrize("name", ["sys_audit", "sys_update_set", "task_sla"])
def test_some_tables_are_never_written(name: str) -> None:
    capability = capability_of(described(name, text("a")), EVERYTHING)
    assert (capability.birth, capability.ops) == (Birth.NEVER, frozenset())
    assert capability.reason
    assert reasons(capability).keys() == {"a", "sys_created_on"}


@pytest.mark.parametrize("name", ["sys_user", "sys_user_grmember", "customer_contact"])
def test_people_and_their_groups_are_written(name: str) -> None:
    table = described(name, text("a"), lineage=(name, "sys_user"))
    assert capability_of(table, EVERYTHING).allows(WriteOp.CREATE)


def test_inherited_roles_are_not_written() -> None:
    table = described(
        "sys_user_has_role", link("user"), link("role"), text("inherited"), links=True
    )
    capability = capability_of(table, EVERYTHING)
    assert capability.by_product_when == (("inherited", "true"),)
    assert capability.keys == (MatchKey(("user", "role")),)


def test_records_are_identified_as_the_instance_does_it() -> None:
    columns = text("user_name"), text("serial_number"), text("name"), link("owner")
    keys = {"cmdb_ci_hardware": (("serial_number", "name"), ("name",), ("u_gone",))}

    def keys_of(*lineage: str, **parts: Any) -> tuple[MatchKey, ...]:
        table = described(lineage[0], *columns, lineage=lineage, **parts)
        return capability_of(table, WriteFacts(None, keys)).keys

    server = ("cmdb_ci_server", "cmdb_ci_hardware", "cmdb_ci")
    assert keys_of(*server) == (MatchKey(("serial_number", "name")), MatchKey(("name",)))
    assert keys_of("cmdb_ci_service", "cmdb_ci") == (MatchKey(("serial_number",)),)
    assert keys_of("sys_user") == (MatchKey(("user_name",)),)
    assert keys_of("m2m", links=True) == ()  # one reference is no pair
    assert keys_of("incident") == ()


def test_journals_and_attachments_have_forms_of_their_own() -> None:
    columns = [text(each) for each in ("name", "element_id", "element", "value", "sys_created_by")]
    journal = capability_of(described("sys_journal_field", *columns, text("u_x")), EVERYTHING)
    assert journal.ops == {WriteOp.CREATE, WriteOp.DELETE}
    assert not journal.keeps_id
    assert {"sys_created_by", "sys_created_on"} < journal.settable
    assert reasons(journal) == {"u_x": NeverReason.BY_PLATFORM}
    assert journal.side_effects
    columns = [text(each) for each in ("file_name", "table_name", "table_sys_id", "size_bytes")]
    file = capability_of(described("sys_attachment", *columns), EVERYTHING)
    assert (file.file_column, file.changeable) == ("file", {"file_name"})
    assert reasons(file)["size_bytes"] is NeverReason.BY_PLATFORM
