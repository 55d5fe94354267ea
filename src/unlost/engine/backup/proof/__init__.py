"""The proof of a run: its certificate, findings, and the verdict in words."""
