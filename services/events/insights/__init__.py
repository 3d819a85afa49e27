"""Insights: sums over instances, kept as counters that change by exact differences."""
