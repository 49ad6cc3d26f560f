"""Peers and this project side by side: ``python -m benchmarks NAME`` prints one JSON line per comparison."""
