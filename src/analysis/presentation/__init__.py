"""Results in, tables and figures out.

Nothing is estimated here: tables and figures show results, and what the panel itself holds; matplotlib and seaborn live here.
It imports `messages`, `language`, `study`, `regression`, `inference`, `effects` and `design`.
"""
