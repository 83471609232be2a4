"""The memory model against real vLLM start-ups, beside other tools' rules. Run: python -m benchmarks.memory --help."""
