"""Results in, tables and figures out.

Nothing is estimated here: they show results, and what the panel holds. Matplotlib and seaborn live here.
It imports `messages`, `language`, `study`, `reading`, `regression`, `inference`, `effects` and `design`.
"""
