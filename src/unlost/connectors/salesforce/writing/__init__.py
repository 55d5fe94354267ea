"""The write side of Salesforce: capabilities, and the calls that write."""
