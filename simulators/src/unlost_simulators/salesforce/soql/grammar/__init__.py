"""The grammar of SOQL: parsing, the tree of a query, and refusals of queries."""
