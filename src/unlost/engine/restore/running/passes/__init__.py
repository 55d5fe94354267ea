"""Passes of a run, and the steps within them: each writes, and journals its writes."""
