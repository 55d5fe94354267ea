"""Actions on archives."""
