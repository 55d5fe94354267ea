"""The partner SOAP endpoint: operations without a REST resource, for example undelete."""
