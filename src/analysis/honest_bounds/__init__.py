"""How far an effect bears departures from parallel trends (Rambachan & Roth), with few treated groups."""

from analysis.honest_bounds.bounds import honest_bounds

__all__ = ["honest_bounds"]
