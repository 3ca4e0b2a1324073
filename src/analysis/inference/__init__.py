"""Any method for any contrast: CR1, CR2, CR3, wild bootstrap, randomization, pre-trends, honest bounds.

It takes a regression and a contrast and knows nothing of what they mean.
It imports `messages` and `regression`.
"""
