"""What a design can show: size of tests, power, and the shocks that both rest on.

Its simulations run on one core, all cores or a cluster, with the same numbers.
It imports `messages`, `language`, `study`, `regression`, `inference` and `effects`.
"""
