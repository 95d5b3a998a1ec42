"""Benchmarks: counts that CI holds, and timings as ratios in one run."""
