"""Inferfleet: from a model, a rate and a budget to running vLLM on the cheapest GPUs that work."""
