"""Writing to an instance: what may be written, calls, look-ups, files and journals."""
