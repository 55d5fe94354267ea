"""The chocolate maker of `unlost_simulators.company` as a Salesforce org.

How its org is made:

- `declared` has some 110 objects, 90 of which list as queryable, with the fields, flags and delete
  rules of a real org, and `objects.py` all of them.
- `written` writes out rows one by one into `FixedRows`. Their ids are the same at every seed and
  scale; `story.py` has the names to refer to.
- `generated` makes rows by the column: facts of the company and what only Salesforce has. Ids follow
  from row numbers (`world.py`), so that a child finds its parents by arithmetic and memory stays
  bounded by one batch.
- `sizes.py` says how many rows of each, `sources.py` lists the makers, `scenario.py` runs them,
  `bench.py` has the scenarios for measurements.
"""
