"""Names inside pods, and the paths where volumes are mounted."""

HTTP_PORT_NAME = "http"
ENGINE_PORT = 8000

MODEL_CACHE_PATH = "/cache"
MODEL_SOURCE_PATH = "/models"
SCRATCH_PATH = "/scratch"
TEMPORARY_PATH = "/tmp"  # noqa: S108 - a mount of its own in the container, not a shared folder of this machine
SHARED_MEMORY_PATH = "/dev/shm"  # noqa: S108 - where POSIX shared memory lives; mounted per pod
BATCH_INPUT_PATH = "/batch/input"
BATCH_OUTPUT_PATH = "/batch/output"
BATCH_WORK_PATH = "/batch/work"
