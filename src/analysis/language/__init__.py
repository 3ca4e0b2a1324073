"""What readers see in their own language: labels, headings and the names of units.

It knows nothing of studies or results.
It imports `messages` alone.
"""
