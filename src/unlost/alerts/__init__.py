"""Alerts: rules over what is known, and one folder for each way of sending.

Rules are pure: ``unlost.app`` gathers what they look at, and keeps what they say.
"""
