"""The check of a forecast that every verb about forecasts asks first."""
