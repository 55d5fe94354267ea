"""The REST APIs over HTTP."""
