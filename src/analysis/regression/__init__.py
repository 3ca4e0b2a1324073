"""One saturated two-way fixed-effects regression, fitted by statsmodels.

It takes a study and an outcome; its cells are what effects are contrasts of.
It imports `messages` and `study`.
"""
