"""Planning a restore: reads and decides, and writes nothing."""
