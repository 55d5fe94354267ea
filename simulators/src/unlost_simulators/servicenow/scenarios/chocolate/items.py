"""Configuration items: services, servers, computers, and which needs which."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost_simulators.company import staff
from unlost_simulators.company.columns import INSTANT
from unlost_simulators.company.employees import OFFICES
from unlost_simulators.company.it import SERVERS, SERVICES
from unlost_simulators.company.world import runs
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.scenarios.chocolate.people import (
    Company_,
    Tables,
    instant_column,
)
from unlost_simulators.servicenow.scenarios.chocolate.world import (
    INTEGRATION,
    SERVICE,
    computers,
    same,
    stamped,
    users,
)

SERVER = "cmdb_ci_server"


def tables(company: Company_) -> Tables:
    """Give the rows of configuration items and their relationships."""
    yield "cmdb_ci_service", _services(company)
    yield SERVER, _servers(company)
    for numbers in runs(company.sizes.staff):
        facts = staff.computers(company, numbers)
        created = pc.cast(facts["bought"], pa.timestamp("ms")).cast(INSTANT)
        yield "cmdb_ci_computer", pa.table({
            "sys_id": computers(facts["serial"]),
            "name": facts["name"],
            "serial_number": facts["serial"],
            "asset_tag": facts["serial"],
            "assigned_to": users(facts["user"]),
            "install_status": same("1", numbers),
            "model": facts["model"],
            "form_factor": facts["kind"],
            "purchase_date": facts["bought"],
            "warranty_expiration": facts["warranty_until"],
            "sys_class_name": same("cmdb_ci_computer", numbers),
            **stamped(company.seed, "cmdb_ci_computer", numbers, created, INTEGRATION),
        })  # fmt: skip
    yield "cmdb_rel_ci", _relations(company)


def _services(company: Company_) -> pa.Table:
    numbers = np.arange(len(SERVICES), dtype=np.int64)
    created = instant_column(len(SERVICES), 1_000)
    return pa.table({
        "sys_id": [ids.fixed(SERVICE, service.name) for service in SERVICES],
        "name": [service.name for service in SERVICES],
        "short_description": [service.description for service in SERVICES],
        "owned_by": users(pa.array([service.owner for service in SERVICES])),
        "support_group": [ids.fixed("sys_user_group", service.group) for service in SERVICES],
        "busines_criticality": [str(service.criticality) for service in SERVICES],
        "install_status": same("1", numbers),
        "sys_class_name": same("cmdb_ci_service", numbers),
        **stamped(company.seed, SERVICE, numbers, created, INTEGRATION),
    })  # fmt: skip


def _servers(company: Company_) -> pa.Table:
    numbers = np.arange(len(SERVERS), dtype=np.int64)
    created = instant_column(len(SERVERS), 900)
    return pa.table({
        "sys_id": [ids.fixed(SERVER, server.name) for server in SERVERS],
        "name": [server.name for server in SERVERS],
        "host_name": [f"{server.name}.chocolate.example" for server in SERVERS],
        "serial_number": [server.serial for server in SERVERS],
        "ip_address": [server.address for server in SERVERS],
        "os": [server.system for server in SERVERS],
        "location": [ids.fixed("cmn_location", OFFICES[each.office].city) for each in SERVERS],
        "install_status": same("1", numbers),
        "sys_class_name": same(SERVER, numbers),
        **stamped(company.seed, SERVER, numbers, created, INTEGRATION),
    })  # fmt: skip


def _relations(company: Company_) -> pa.Table:
    needs = [
        (ids.fixed(SERVICE, service.name), ids.fixed(SERVICE, need), "Depends on::Used by")
        for service in SERVICES
        for need in service.needs
    ]
    runs_on = [
        (ids.fixed(SERVICE, server.service), ids.fixed(SERVER, server.name), "Runs on::Runs")
        for server in SERVERS
    ]
    pairs = [*needs, *runs_on]
    numbers = np.arange(len(pairs), dtype=np.int64)
    created = instant_column(len(pairs), 800)
    return pa.table({
        "sys_id": [ids.fixed("cmdb_rel_ci", "/".join(pair)) for pair in pairs],
        "parent": [pair[0] for pair in pairs],
        "child": [pair[1] for pair in pairs],
        "type": [pair[2] for pair in pairs],
        **stamped(company.seed, "cmdb_rel_ci", numbers, created, INTEGRATION),
    })  # fmt: skip
