"""How nbcontainer compares with its peers: `python -m benchmarks`."""
