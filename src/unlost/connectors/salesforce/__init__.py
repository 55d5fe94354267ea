"""Salesforce: reading an org over REST and Bulk API 2.0, and writing to it."""

from unlost.connectors.salesforce.access.config import AuthFlow, SalesforceConfig
from unlost.connectors.salesforce.connector import CONNECTOR, SalesforceConnector

__all__ = ["CONNECTOR", "AuthFlow", "SalesforceConfig", "SalesforceConnector"]
