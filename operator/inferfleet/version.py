"""This version, and the image that carries it."""

from importlib.metadata import version

VERSION = version("inferfleet")
DEFAULT_WORKER_IMAGE = f"inferfleet/inferfleet:{VERSION}"
"""The image that the chart installs unless told otherwise; batch pods run `inferfleet batch-worker` from it."""
