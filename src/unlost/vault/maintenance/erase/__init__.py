"""Erasing: records leave all history of an org, and what they left behind is removed at once."""
