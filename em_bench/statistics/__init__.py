"""Arrays in, numbers with their uncertainty out: no files, no models, no Inspect."""

from em_bench.statistics.estimate import METHOD, RateEstimate, clopper_pearson, estimate_rate, population_interval
from em_bench.statistics.protocol import GroupMean, at_least_one_of, mean_over_models, rates_below

__all__ = [
    "METHOD",
    "GroupMean",
    "RateEstimate",
    "at_least_one_of",
    "clopper_pearson",
    "estimate_rate",
    "mean_over_models",
    "population_interval",
    "rates_below",
]
