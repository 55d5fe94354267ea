"""A scenario for measurements: incidents with exactly 60 columns, a tenth as many attachments.

The same company as `chocolate`; `scale` counts thousands of incidents. Each attachment has bytes that
no other one has, so that none are stored once for several.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from unlost_simulators.company import tickets as company_tickets
from unlost_simulators.company.columns import booleans, digits, instants, joined, where
from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.company.employees import OFFICES
from unlost_simulators.company.times import DAY, OPENING_SECONDS
from unlost_simulators.company.world import FIRST_GENERATED, Company, runs
from unlost_simulators.kit.blobs import BlobRecipe
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.columns import Column, Kind, TableDef
from unlost_simulators.servicenow.model.platform import (
    ATTACHMENT,
    flag,
    instant,
    number,
    refer,
    text,
)
from unlost_simulators.servicenow.scenarios.chocolate import items, people, setup
from unlost_simulators.servicenow.scenarios.chocolate.declared import TABLES
from unlost_simulators.servicenow.scenarios.chocolate.people import Tables, instant_column
from unlost_simulators.servicenow.scenarios.chocolate.scenario import ChocolateScenario
from unlost_simulators.servicenow.scenarios.chocolate.sizes import InstanceSizes
from unlost_simulators.servicenow.scenarios.chocolate.tickets import incident_rows
from unlost_simulators.servicenow.scenarios.chocolate.world import INTEGRATION, same, stamped, users
from unlost_simulators.servicenow.scenarios.scenario import RECIPE

THOUSAND = 1_000
INCIDENTS_PER_FILE = 10
SMALLEST_FILE, LARGEST_FILE = 2_000, 38_000  # bytes
_TEXTS = {
    "approval": ("not requested", "approved"), "close_code": ("Solved", "Workaround", "Duplicate"),
    "contact_type": ("phone", "email", "self-service", "chat"), "hold_reason": ("Vendor", "Caller"),
    "correlation_display": ("Monitoring", "Webshop"), "upon_approval": ("proceed",),
    "subcategory": ("disk", "memory", "cpu", "wireless", "vpn", "dns"), "upon_reject": ("cancel",),
}  # fmt: skip
_COUNTS = {"reassignment_count": 4, "reopen_count": 2, "child_incidents": 3, "order": 100,
           "business_stc": 90_000, "urgency": 3, "severity": 3, "notify": 2, "escalation": 3,
           "incident_state": 8}  # fmt: skip
_INSTANTS = ("due_date", "activity_due", "sla_due", "work_start", "work_end")
_FLAGS = ("made_sla", "knowledge")
_USERS = ("closed_by", "resolved_by")
_PLACE = ids.fixed("cmn_location", next(iter(OFFICES.values())).city)
MORE_COLUMNS: Sequence[Column] = (
    *(text(name, name) for name in _TEXTS),
    *(number(name, name) for name in _COUNTS),
    *(instant(name, name) for name in _INSTANTS),
    *(flag(name, name) for name in _FLAGS),
    *(refer(name, name, "sys_user") for name in _USERS),
    refer("location", "Location", "cmn_location"),
    text("correlation_id", "Correlation ID"),
    Column(name="business_duration", label="Business duration", kind=Kind.DURATION),
)
"""Columns that real instances have too, beside the 30 of `chocolate`."""


@dataclass(frozen=True, slots=True)
class BenchIncidents(ChocolateScenario):
    """Incidents of 60 columns and their attachments, with the people and items that they name."""

    name: str = "bench-incidents"

    def declared(self) -> Sequence[TableDef]:
        """All tables; incidents have more columns."""
        return tuple(
            replace(table, columns=(*table.columns, *MORE_COLUMNS))
            if table.name == "incident"
            else table
            for table in TABLES
        )

    def tables(self, *, scale: int, seed: int) -> Tables:
        """Give the rows; ``scale``: thousands of incidents."""
        count = scale * THOUSAND
        sizes = InstanceSizes(incidents=count, files=count // INCIDENTS_PER_FILE)
        company = Company(seed, sizes)
        yield from setup.tables()
        yield from people.tables(company)
        yield from items.tables(company)
        for numbers in runs(count):
            facts = company_tickets.incidents(company, numbers)
            rows = incident_rows(company, facts, separated=False)
            for name, cells in _more_cells(company, numbers, facts["caller"]).items():
                rows = rows.append_column(name, cells)
            yield "incident", rows
        for numbers in runs(sizes.files):
            yield ATTACHMENT, _files(company, numbers)


def _more_cells(
    company: Company[InstanceSizes], numbers: Numbers, callers: pa.Array
) -> dict[str, pa.Array]:
    """Give the cells of the further columns; some are empty, as in real incidents."""
    rows = Rows(company.seed, "more of incidents", numbers)

    def some(name: str, values: pa.Array) -> pa.Array:
        return where(rows.chance(f"has {name}", 70), values)

    past = {name: OPENING_SECONDS - rows.below(name, 400 * DAY) for name in _INSTANTS}
    seconds = rows.below("duration", DAY) + DAY
    return {
        **{name: some(name, rows.pick(name, words)) for name, words in _TEXTS.items()},
        **{name: pa.array(rows.below(name, bound)) for name, bound in _COUNTS.items()},
        **{name: some(name, instants(stamp)) for name, stamp in past.items()},
        **{name: booleans(rows.chance(name, 50)) for name in _FLAGS},
        **{name: some(name, users(callers)) for name in _USERS},
        "location": some("location", same(_PLACE, numbers)),
        "correlation_id": ids.generated("correlation", numbers),
        "business_duration": some("duration", instants(seconds)),
    }


def _files(company: Company[InstanceSizes], numbers: Numbers) -> pa.Table:
    rows = Rows(company.seed, "files", numbers)
    sizes = SMALLEST_FILE + rows.below("size", LARGEST_FILE - SMALLEST_FILE)
    pairs = zip(numbers.tolist(), sizes.tolist(), strict=True)
    recipes = [BlobRecipe("random", seed, size) for seed, size in pairs]
    hashes = [hashlib.sha256(b"".join(recipe.chunks())).hexdigest() for recipe in recipes]
    created = instant_column(len(numbers), 1)
    return pa.table({
        "sys_id": ids.generated(ATTACHMENT, numbers),
        "file_name": joined("photo-", digits(numbers), ".jpg"),
        "content_type": same("image/jpeg", numbers),
        "table_name": same("incident", numbers),
        "table_sys_id": ids.generated("incident", FIRST_GENERATED + numbers * INCIDENTS_PER_FILE),
        "size_bytes": digits(sizes),
        "size_compressed": digits(sizes),
        "compressed": same("true", numbers),
        "chunk_size_bytes": same("734003", numbers),
        "hash": pa.array(hashes),
        RECIPE: pa.array([recipe.token() for recipe in recipes]),
        **stamped(company.seed, ATTACHMENT, numbers, created, INTEGRATION),
    })  # fmt: skip
