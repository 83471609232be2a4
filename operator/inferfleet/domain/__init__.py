"""Frozen values that every layer above shares: GPUs, models, engines, demands, the world, decisions, money.

No I/O, no clock, no randomness. Units are in the names or the docstrings; memory is GiB (2**30 bytes) unless it says
MiB.
"""
