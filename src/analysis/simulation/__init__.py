"""The demonstration panel, simulated on the real roster of villages.

Its parameters are calibrated to published facts; its effects are known.
It imports `messages`, `language`, `study`, `reading` and `design`.
"""
