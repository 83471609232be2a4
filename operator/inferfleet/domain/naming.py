"""Names of children: stable, short enough for every kind, and different for different placements.

In: the InferenceDeployment's name and what tells placements apart. Out: DNS-1035 labels. No name depends on the order
in which placements are listed, except that the first one has the plain name.
"""

import hashlib

from inferfleet.api.enums import CapacityType

# 45 characters of the owner's name (NAME_RULE of InferenceDeployment) + "-" + 8 = 54: a Job's pods append 6 more and
# stay within the 63 of a label.
HASH_CHARACTERS = 8
# Digits and letters that cannot spell a word or be misread, as Kubernetes uses for generated names
# (k8s.io/apimachinery pkg/util/rand: alphanums).
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def short_hash(*parts: str) -> str:
    """Return eight characters that identify the parts in their order; the same on every machine."""
    number = int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8])
    characters = []
    for _ in range(HASH_CHARACTERS):
        number, index = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[index])
    return "".join(characters)


def child_name(name: str, *, gpu_type: str, pool: str, capacity_type: CapacityType, first: bool) -> str:
    """Return the name of the child of one placement: the owner's own name for the first placement, else with a hash."""
    return name if first else f"{name}-{short_hash(gpu_type, pool, capacity_type)}"
