"""Turns decisions into manifests: plain dictionaries that the cluster shall equal, one file per kind.

In: a demand, its decision, the pools it names, and a few facts of the installation. Out: manifests in apply order, the
same for the same input, byte by byte. Nothing here decides anything, asks a cluster, or knows the time.
"""

from inferfleet.render.manifest import Manifest, RenderError
from inferfleet.render.manifests import RenderFacts, render

__all__ = ["Manifest", "RenderError", "RenderFacts", "render"]
