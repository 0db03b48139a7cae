"""Validated numerics: numbers that enclose what they stand for, whatever is rounded on the way.

Reading order: ``enclosures`` (what they share), ``rounding`` (arithmetic rounded down and up),
``intervals``, ``functions`` (elementary functions of intervals), ``series`` (their Taylor
coefficients), ``taylor_models`` (polynomials with a remainder), ``operations`` (all of it by name).
"""
