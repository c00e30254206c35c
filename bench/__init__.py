"""Load, latency and side-by-side comparisons."""
