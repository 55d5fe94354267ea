"""The write side of Salesforce: what may be written, and how it is sent."""
