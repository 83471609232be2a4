"""A setting whose engine was measured, for tests of calibration: Qwen3-14B on an L40S (case c152)."""

from inferfleet.api.enums import Interconnect
from inferfleet.catalog.gpus import gpus
from inferfleet.domain.traffic import Traffic
from inferfleet.engine.calibration import Setting
from tests.builders import model
from tests.speed_builders import engine

QWEN_14B = Setting(
    namespace="team-a",
    model=model("Qwen/Qwen3-14B"),
    gpu_type="nvidia-l40s-48gb",
    gpu=gpus()["nvidia-l40s-48gb"],
    engine=engine(max_model_len=40960, max_num_batched_tokens=2048, gpu_memory_utilization=0.92),
    interconnect=Interconnect.PCIE,
    traffic=Traffic(input_tokens=800, output_tokens=300),
)
