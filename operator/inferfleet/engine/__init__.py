"""What vLLM needs, delivers and says: settings, memory, speed, images and arguments, and what calibrates them.

Pure, and it knows no pool, price or policy.
"""
