"""The Salesforce simulator: REST, Bulk 2.0 and OAuth over an org held in DuckDB."""
