"""Making the cluster equal to rendered manifests: the API client, server-side apply, drift, pruning.

Knows nothing about plans; it is given manifests and an owner.
"""
