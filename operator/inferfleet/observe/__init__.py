"""What is seen: watches become slim values in a store, and changes become keys that are looked at again.

Only this package reads watches. Nothing here decides, and nothing here writes to the cluster.
"""
