"""Arrays in, numbers with their uncertainty out: no files, no models, no Inspect."""

from em_bench.statistics.estimate import METHOD, RateEstimate, clopper_pearson, estimate_rate, population_interval

__all__ = ["METHOD", "RateEstimate", "clopper_pearson", "estimate_rate", "population_interval"]
