"""Built-in data: GPU types, models and prices, read once from files beside the code; every figure carries its source.

Nothing here asks the network or the cluster. Objects of the cluster override what stands here elsewhere.
"""
