"""The engine's image of one placement."""

from inferfleet.domain.demand import Demand
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool
from inferfleet.engine import default_image


def engine_image(demand: Demand, placement: Placement, pool: Pool) -> str:
    """Return the tenant's image, which the plan has admitted, else the release image for the pool's GPUs."""
    return demand.spec.engine.image or default_image(placement.engine.version, pool.gpu_resource_name)
