"""Record types, as describe and the RecordType table both show them."""

from __future__ import annotations

from dataclasses import dataclass

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.schema import RecordTypeDef


@dataclass(frozen=True, slots=True)
class RecordTypeRow:
    """A record type with the object that it belongs to."""

    object: str
    info: RecordTypeDef
    person: bool = False


def _row(
    number: int,
    of: str,
    name: str,
    developer_name: str,
    *,
    default: bool = False,
    active: bool = True,
) -> RecordTypeRow:
    key = ids.make("012", ids.FIRST_COUNTER + number)
    info = RecordTypeDef(
        key, name, developer_name, active=active, available=active, default=default
    )
    return RecordTypeRow(of, info, person=developer_name == "PersonAccount")


# Two types of one object share their developer name, as seen in a live Person Account org.
RECORD_TYPES = (
    _row(1, "Account", "Business Account", "Business_Account", default=True),
    _row(2, "Account", "Person Account", "PersonAccount"),
    _row(3, "Account", "Reseller", "Reseller"),
    _row(4, "Account", "Reseller (person)", "Reseller"),
    _row(5, "Opportunity", "Shop Supply", "Shop_Supply", default=True),
    _row(6, "Opportunity", "Corporate Gifts", "Corporate_Gifts"),
    _row(7, "Case", "Complaint", "Complaint", default=True),
    _row(8, "Case", "Question", "Question"),
    _row(9, "Case", "Old Web Form", "Old_Web_Form", active=False),
)


def _of(name: str) -> tuple[RecordTypeDef, ...]:
    return tuple(row.info for row in RECORD_TYPES if row.object == name)


ACCOUNT_TYPES = _of("Account")
OPPORTUNITY_TYPES = _of("Opportunity")
CASE_TYPES = _of("Case")
BUSINESS_ACCOUNT, PERSON_ACCOUNT = ACCOUNT_TYPES[0].id, ACCOUNT_TYPES[1].id
