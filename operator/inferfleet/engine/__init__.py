"""What vLLM needs, delivers and says: memory, speed, flags, images, and what running engines tell of all that.

Pure, like everything that a decision is made from. Start at `memory.estimate` and `throughput.estimate`; `calibration`
holds what engines say against both. `settings`, `arguments`, `images` and `support` know how an engine is started. It
knows no pool, price or policy.
"""
