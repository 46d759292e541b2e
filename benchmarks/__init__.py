"""How fast the library is, and what it loses: ratios against peers in one run. See `python -m benchmarks --help`."""
