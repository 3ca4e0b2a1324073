"""What readers see in their own language: texts, labels, headings and the names of units.

It knows nothing of studies or results.
It stands on the ground, and imports no other room.
"""
