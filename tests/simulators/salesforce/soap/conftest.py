"""The small org of the HTTP tests."""

from simulators.salesforce.http.conftest import client, http, narrow, sim

__all__ = ["client", "http", "narrow", "sim"]
