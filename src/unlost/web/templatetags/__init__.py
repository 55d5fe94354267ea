"""Words for values in templates."""
