"""The pages of the console, one module a room of it."""
