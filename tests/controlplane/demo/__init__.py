"""`make demo`: a real control plane, simulated GPU nodes, the operator, the examples, and the story of what came of it.

In: `examples/` and `charts/inferfleet` as they are shipped. Out: text for a person, and a cluster to play with until
Ctrl-C. Must not import the product: everything that the story says was read from the cluster.
"""
