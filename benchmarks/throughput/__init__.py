"""The speed model against measured serving runs, beside simpler rules. Run: python -m benchmarks.throughput --help."""
