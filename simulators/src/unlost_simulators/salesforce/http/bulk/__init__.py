"""Jobs of Bulk API 2.0 over HTTP."""
