"""Honest bounds of Rambachan & Roth (2023): what is left of an effect if trends were not quite parallel.

Relative magnitudes and smoothness, from an event study's estimates and covariance.
It imports `messages` and the room `inference`.
"""
