"""Verbs that answer questions about forecasts."""
