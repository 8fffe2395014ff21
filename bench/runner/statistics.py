"""
What a handful of noisy samples allows to be said.

Nothing here assumes a distribution: samples of run times are skewed, and the
outliers are real.  Everything follows from ranks.

SPDX-License-Identifier: BSD-2-Clause
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import median, quantiles

# Differences smaller than this are of no interest, however certain.
LEAST = 0.01


def spread(samples):
    """The distance between the quartiles, relative to the median."""
    if len(samples) < 2:
        return 0.0
    low, middle, high = quantiles(samples, method="inclusive")
    return (high - low) / middle if middle else 0.0


def median_interval(samples, confidence):
    """
    The narrowest pair of order statistics between which the median lies with
    at least this confidence; (-inf, inf) if there are too few samples.
    """
    ordered = sorted(samples)
    n = len(ordered)
    outside = 0.0  # the probability that the median is below ordered[k]
    found = -math.inf, math.inf
    for k in range((n + 1) // 2):
        outside += math.comb(n, k) / 2**n
        if 1 - 2 * outside < confidence:
            break
        found = ordered[k], ordered[n - 1 - k]
    return found


@lru_cache(maxsize=None)
def _rank_sums(m, n):
    """How many orders of m and n samples have which Mann-Whitney U."""
    if m == 0 or n == 0:
        return (1,)
    counts = [0] * (m * n + 1)
    for u, ways in enumerate(_rank_sums(m - 1, n)):
        counts[u + n] += ways  # the largest is one of the m
    for u, ways in enumerate(_rank_sums(m, n - 1)):
        counts[u] += ways
    return tuple(counts)


def _excluded(m, n, alpha):
    """How many of the m × n ratios to cut off at each end."""
    counts = _rank_sums(m, n)
    budget = alpha / 2 * sum(counts)
    total = 0
    for u, ways in enumerate(counts):
        total += ways
        if total > budget:
            return u
    return 0


@dataclass(frozen=True)
class Comparison:
    """How many times as large as the first the second samples are."""

    ratio: float
    low: float
    high: float
    least: float

    @property
    def different(self):
        certain = self.low > 1 or self.high < 1
        return certain and abs(self.ratio - 1) >= self.least

    @property
    def resolution(self):
        """The relative difference that could hide in the noise."""
        return max(self.high - 1, 1 - self.low)

    def verdict(self):
        if self.different:
            change = (self.ratio - 1) * 100
            return f"{abs(change):.1f} % {'more' if change > 0 else 'less'}"
        if math.isinf(self.resolution):
            return "too few samples to tell"
        if self.resolution > 1:
            return "no difference (but too noisy to tell)"
        return f"no difference (of more than {self.resolution * 100:.1f} %)"


def compare(first, second, alpha=0.01, least=LEAST):
    """
    The Hodges-Lehmann estimate of the ratio, with the confidence interval
    that belongs to the exact Mann-Whitney test.
    """
    ratios = sorted(b / a for a in first for b in second)
    cut = _excluded(len(first), len(second), alpha)
    low, high = 0.0, math.inf
    if cut > 0:
        low, high = ratios[cut - 1], ratios[-cut]
    return Comparison(median(ratios), low, high, least)
