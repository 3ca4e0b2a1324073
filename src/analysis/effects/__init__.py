"""The verbs `did` and `event_study`, and the estimates that they return.

An estimate is a contrast of one regression, and asks `inference` how sure it is.
It imports `messages`, `language`, `study`, `regression` and `inference`.
"""
