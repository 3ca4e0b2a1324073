"""What would change the answer: one file a threat.

Each takes a study and an outcome and returns what it found.
It imports `messages`, `study`, `regression`, `inference`, `effects` and `design`.
"""
