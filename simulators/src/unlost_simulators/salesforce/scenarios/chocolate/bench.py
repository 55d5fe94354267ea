"""Scenarios for measurements: exactly so many contacts, or mails of a chosen size, and little else.

The same company as `chocolate` with its written-out set-up rows; `scale` counts thousands of rows.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.scenarios.chocolate.generated import people, service
from unlost_simulators.salesforce.scenarios.chocolate.generated.people import SENTENCES, Made
from unlost_simulators.salesforce.scenarios.chocolate.objects import BY_NAME
from unlost_simulators.salesforce.scenarios.chocolate.scenario import ChocolateScenario
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes
from unlost_simulators.salesforce.scenarios.chocolate.sources import Source
from unlost_simulators.salesforce.scenarios.chocolate.world import World

THOUSAND = 1_000
DEFAULT_BODY = 20_000
LONGEST_BODY = 131_072
# Text of one batch of mails; a batch has at most this many characters of bodies.
_BATCH_CHARACTERS = 32 * 1024 * 1024

SETUP = (
    "Organization", "User", "UserRole", "Profile", "RecordType", "BusinessHours",
    "UserPermissionAccess",
)  # fmt: skip

# Columns of Contact that a Bulk query of the measured object reads: 45.
CONTACT_COLUMNS = (
    "Id", "IsDeleted", "AccountId", "IsPersonAccount", "LastName", "FirstName", "Salutation", "Name",
    "MailingStreet", "MailingCity", "MailingState", "MailingPostalCode", "MailingCountry",
    "MailingLatitude", "MailingLongitude", "MailingGeocodeAccuracy", "Phone", "Fax", "MobilePhone",
    "HomePhone", "ReportsToId", "Email", "Title", "Department", "LeadSource", "Birthdate",
    "Description", "OwnerId", "HasOptedOutOfEmail", "DoNotCall", "CreatedDate", "CreatedById",
    "LastModifiedDate", "LastModifiedById", "SystemModstamp", "EmailBouncedReason",
    "EmailBouncedDate", "IsEmailBounced", "PhotoUrl", "CleanStatus", "Level__c", "Languages__c",
    "Sales_Region__c", "Loyalty_Number__c", "Purchases_Last_Year__c",
)  # fmt: skip


def _contact() -> ObjectDef:
    """Contact with the measured columns alone; the compound address would be a 46th."""
    whole = BY_NAME["Contact"]
    chosen = [
        replace(field, compound=None) if field.compound == "MailingAddress" else field
        for field in whole.fields
        if field.name in CONTACT_COLUMNS
    ]
    return replace(whole, fields=tuple(chosen), tracked=("Phone",))


def declared(*special: ObjectDef) -> tuple[ObjectDef, ...]:
    """Give the set-up objects and these, which refer to no others."""
    named = {definition.name: definition for definition in special}
    setup = tuple(BY_NAME[name] for name in SETUP)
    known = {definition.name for definition in (*setup, *special)}
    return tuple(_within(definition, known) for definition in (*setup, *named.values()))


def _within(of: ObjectDef, known: set[str]) -> ObjectDef:
    """The object with references to declared objects only; a reference to none of them is left out."""
    narrowed = (
        replace(field, targets=tuple(target for target in field.targets if target in known))
        for field in of.fields
    )
    pairs = zip(of.fields, narrowed, strict=True)
    fields = tuple(now for before, now in pairs if now.targets or not before.targets)
    lists = tuple(
        junction for junction in of.junctions if {junction.child, *junction.field.targets} <= known
    )
    return replace(of, fields=fields, share_object=None, junctions=lists)


def contact_sizes(scale: int) -> ChocolateSizes:
    """`scale` thousand contacts at `scale` companies."""
    return ChocolateSizes.only({"contacts": scale * THOUSAND, "businesses": scale})


def _measured_contacts(world: World, rows: Rows) -> Made:
    columns = people.contacts(world, rows)
    return {name: column for name, column in columns.items() if name in CONTACT_COLUMNS}


def bench_contacts() -> ChocolateScenario:
    """Contacts of 45 columns."""
    return ChocolateScenario(
        name="bench-contacts",
        sizes=contact_sizes,
        declared=declared(BY_NAME["Account"], _contact()),
        sources=(
            Source(
                "BusinessAccount",
                "Account",
                lambda s: s.businesses,
                people.business_accounts,
            ),
            Source("Contact", "Contact", lambda s: s.contacts, _measured_contacts),
        ),
        fixed_objects=frozenset(SETUP),
    )


def mail_sizes(scale: int) -> ChocolateSizes:
    """`scale` thousand mails on a hundredth of as many cases."""
    few = scale * 10
    return ChocolateSizes.only(
        {"mails": scale * THOUSAND, "cases": few, "businesses": few, "contacts": few}
    )


def _text_of(rows: Rows, country: Numbers, characters: int) -> pa.Array:
    """A text of exactly `characters` characters a row, out of paragraphs that differ by row."""
    pool, length = _paragraphs()
    count = characters // length
    parts = [pool.take(pa.array(rows.below(f"paragraph {n}", len(pool)))) for n in range(count)]
    rest = rows.pick_in("rest", SENTENCES, country)
    tail = pc.utf8_rpad(
        pc.utf8_slice_codeunits(rest, 0, characters - count * length),
        characters - count * length,
        ".",
    )
    return pc.binary_join_element_wise(*parts, tail, "")


@cache
def _paragraphs() -> tuple[pa.Array, int]:
    """1,024 paragraphs of 1,000 characters each, in several scripts."""
    rows = Rows.run(17, "Paragraph", first=0, count=1_024)
    # One paragraph of sixteen is Japanese, so that a body of 20,000 characters has about 21 kB.
    country = np.where(rows.numbers % 16 == 0, 2, np.array([0, 1, 3])[rows.numbers % 3])
    sentences = [rows.pick_in(f"sentence {n}", SENTENCES, country) for n in range(60)]
    whole = pc.binary_join_element_wise(*sentences, " ")
    return pc.utf8_rpad(pc.utf8_slice_codeunits(whole, 0, 998), 998, "."), 998


def mail_source(body: int) -> Source:
    """Mails whose plain text has exactly `body` characters."""

    def rows_of(world: World, rows: Rows) -> Made:
        columns = service.mails(world, rows)
        country = np.zeros(rows.count, dtype=np.int64)
        return columns | {"TextBody": _text_of(rows, country, body)}

    return Source(
        "Mail", "EmailMessage", lambda s: s.mails, rows_of,
        batch_rows=max(1, min(16_384, _BATCH_CHARACTERS // body)),
    )  # fmt: skip


def bench_mails(body: int = DEFAULT_BODY) -> ChocolateScenario:
    """Mails with a plain text of `body` characters (at most 131,072) and a short HTML body."""
    if not 1 <= body <= LONGEST_BODY:
        raise ValueError(f"a mail body has 1 to {LONGEST_BODY} characters, not {body}")
    return ChocolateScenario(
        name=f"bench-mails:{body}",
        sizes=mail_sizes,
        declared=declared(
            BY_NAME["Account"], BY_NAME["Contact"], BY_NAME["Case"], BY_NAME["EmailMessage"]
        ),
        sources=(
            Source(
                "BusinessAccount",
                "Account",
                lambda s: s.businesses,
                people.business_accounts,
            ),
            Source("Contact", "Contact", lambda s: s.contacts, people.contacts),
            Source("Case", "Case", lambda s: s.cases, service.cases),
            mail_source(body),
        ),
        fixed_objects=frozenset(SETUP),
    )
