"""The partner SOAP endpoint: what REST has no resource for, such as undelete."""
