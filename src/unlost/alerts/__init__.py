"""Alerts: rules over known facts, and one folder for each channel that sends them.

Rules are pure: ``unlost.app`` gathers their facts, and stores the alerts that they raise.
"""
