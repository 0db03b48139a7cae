"""Scheme values that Python lacks, how they are printed, and when they are equal.

``symbols``, ``pairs``, ``strings`` (those that can be changed), ``values`` (chars, vectors, hash
tables, the unspecified value, eof), ``ports``,
``equality`` (``eqv?``, ``equal?`` and hashing keys) and ``write`` (``display`` and ``write``;
``spelling``, ``number_text`` and ``tensor_text`` say how atoms look).
Numbers, booleans, strings and procedures are Python's own.
"""
