"""Results in, tables and figures out.

Nothing is estimated here that a result does not hold.
It imports all rooms below and `effects`; matplotlib and seaborn live here.
"""
