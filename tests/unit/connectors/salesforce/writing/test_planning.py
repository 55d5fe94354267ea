"""Plans without a write user: the rules that the backup user's describe does not show."""

import pytest

from fakes.salesforce import field
from unit.connectors.salesforce.writing.writable import Org
from unlost.connectors.salesforce import SalesforceConnector
from unlost.connectors.salesforce.writing.planning import assumed
from unlost.model.errors import UsageError
from unlost.model.source.writing import Birth, NeverReason, WriteCapability, WriteOp

READ_ONLY = {"createable": False, "updateable": False}
MAY_READ = {**READ_ONLY, "deletable": False, "undeletable": False, "triggerable": True}


def reading() -> Org:
    """An org whose user may read accounts, and nothing else."""
    org = Org()
    fields = [
        field("Name", **READ_ONLY),
        field("Number", autoNumber=True, **READ_ONLY),
        field("Sum", "double", calculated=True, **READ_ONLY),
    ]
    org.add("Account", *fields, **MAY_READ)
    org.add("AccountHistory", field("Field", **READ_ONLY), **{**MAY_READ, "triggerable": False})
    for described in org.describes["Account"]["fields"]:
        described.update(READ_ONLY)
    return org


def capability(org: Org, name: str) -> WriteCapability:
    connector = SalesforceConnector(org.wire.transport)
    with connector.open_planning(org.config, org.context) as planning:
        return planning.capability(org.shape(name))


def test_a_plan_assumes_a_user_with_every_permission() -> None:
    org = reading()
    with org.writer() as writer:
        assert not writer.capability(org.shape("Account")).ops, "the backup user may not write"
    planned = capability(org, "Account")
    assert {WriteOp.CREATE, WriteOp.UPDATE, WriteOp.UNDELETE} <= planned.ops
    assert planned.settable & {"Name", "Number", "Sum"} == {"Name"}
    never = {column.column: column.reason for column in planned.never}
    assert never["Number"] is NeverReason.AUTO_NUMBER
    assert never["Sum"] is NeverReason.FORMULA
    assert not planned.audit, "few users may set audit fields"


def test_what_no_user_can_write_stays_so() -> None:
    org = reading()
    planned = capability(org, "AccountHistory")
    assert (planned.ops, planned.birth) == (frozenset(), Birth.NEVER)
    describe = org.describes["AccountHistory"]
    assert assumed(describe) == describe


def test_live_records_are_found_with_the_backup_user() -> None:
    org = reading()
    org.rows["Account"] = [{"Id": "001000000000001AAA", "Name": "Cacao"}]
    connector = SalesforceConnector(org.wire.transport)
    with connector.open_planning(org.config, org.context) as planning:
        rows = planning.fetch(org.shape("Account"), ["001000000000001AAA"], columns=["Name"])
        assert rows.ids.to_pylist() == ["001000000000001AAA"]
        assert planning.missing([org.shape("Account")]) == ()
        assert planning.identity().tenant


def test_settings_of_another_connector_are_refused() -> None:
    org = reading()
    connector = SalesforceConnector(org.wire.transport)
    with (
        pytest.raises(UsageError, match="not the settings"),
        connector.open_planning(object(), org.context),
    ):
        pass
