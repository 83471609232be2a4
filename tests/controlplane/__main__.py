"""Find the control plane's programs or build them, before any test's time limit runs."""

from tests.controlplane.build import programs_directory, say

if __name__ == "__main__":
    say(f"control plane: {programs_directory()}")
