"""Certificates: bounds that no input in a range can exceed."""
