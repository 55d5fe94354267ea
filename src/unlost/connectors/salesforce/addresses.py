"""Addresses of records' pages.

Source: Salesforce help, "My Domain URL formats". An id after the host of the org leads to the page
of the record, in whichever interface the user has.
"""

from collections.abc import Mapping
from typing import Any

from unlost.connectors.salesforce.ids import is_id
from unlost.kit.addresses import host_of, is_safe, origin

# Hosts of the sign-in for all orgs, which lead to no record.
SHARED_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com"})


def record_address(config: Mapping[str, Any], record: str) -> str:
    """The address of a record's page; empty if the settings do not name the host of the org."""
    login = str(config.get("login_url", ""))
    host = origin(login) if is_safe(login) and host_of(login) not in SHARED_HOSTS else None
    return f"{host}/{record}" if host and is_id(record) else ""
