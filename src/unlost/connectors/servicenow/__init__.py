"""ServiceNow: reading an instance over its Table API. Writing is not supported yet."""

from unlost.connectors.servicenow.access.config import ServiceNowAuth, ServiceNowConfig
from unlost.connectors.servicenow.connector import CONNECTOR, ServiceNowConnector

__all__ = ["CONNECTOR", "ServiceNowAuth", "ServiceNowConfig", "ServiceNowConnector"]
