"""What could serve a demand: every pool and tensor parallel size, filtered, assessed, sized and quoted.

Knows nothing of free GPUs, budgets or what others hold; the same for all demands of a shape.
"""
