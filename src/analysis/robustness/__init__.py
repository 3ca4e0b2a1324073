"""What would change the answer: one file a threat.

Each takes a study and an outcome and returns what it found; `examine` asks all of them. It imports:
`messages`, `language`, `study`, `reading`, `regression`, `inference`, `effects`, `design` and `presentation`.
"""
