"""Places where a vault's objects lie: a folder, memory, and wrappers that make faults."""
