"""A plan as people see it: groups, choices, costs, differences."""
