"""The calls to Salesforce: sessions, errors, and how many calls are left."""
