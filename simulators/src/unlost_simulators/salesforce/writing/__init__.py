"""What the org does when somebody writes: requests, checks, side effects, results row by row."""
