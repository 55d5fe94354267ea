"""The admin API of a Salesforce org."""
