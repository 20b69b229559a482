"""Models as forecasting libraries keep them: read, given their windows, and given results back."""
