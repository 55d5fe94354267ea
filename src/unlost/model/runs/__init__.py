"""Values of runs and schedules."""
