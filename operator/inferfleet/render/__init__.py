"""Turns decisions into manifests, the objects that the cluster shall hold; one file per kind.

In: a demand, its decision, the pools it names, and a few facts of the installation. Out: manifests in apply order, the
same for the same input, byte by byte. Nothing here decides anything, asks a cluster, or knows the time. Other packages
use only the names of `__all__`.
"""

from inferfleet.render.images import engine_image
from inferfleet.render.manifest import Manifest, RenderError
from inferfleet.render.manifests import RenderFacts, render
from inferfleet.render.names import ENGINE_PORT
from inferfleet.render.scheduling import tolerated

__all__ = [
    "ENGINE_PORT",
    "Manifest",
    "RenderError",
    "RenderFacts",
    "engine_image",
    "render",
    "tolerated",
]
