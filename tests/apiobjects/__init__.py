"""Objects of every kind, good and bad, that the models and the real API server must judge alike."""
