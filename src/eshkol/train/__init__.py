"""Training: ``progress`` (a progress bar), ``metrics`` (accuracy, confusion matrix), ``batches``
(shuffled mini-batches).
"""
