"""Seeing: watches become slim values in a store, and every change becomes keys to look at again.

Only this package reads watches. Nothing here decides, and nothing here writes to the cluster.
"""
