"""Twelve mistakes on the way from a series to a network, planted on three data sets."""
