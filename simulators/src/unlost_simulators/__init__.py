"""Simulators of SaaS protocols: servers that behave as the real ones do, and know nothing of Unlost."""
