"""Charts of where forecasts come from: of one, of many, over time, and of several ways to ask."""
