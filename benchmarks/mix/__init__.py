"""GPU mixes on the published settings of Melange, beside its own allocations. Run: python -m benchmarks.mix --help."""
