"""Verbs that look inside a recurrent layer, or hold something there."""
