"""Primitive procedures: each a name, a docstring and its rules, declared together.

``declare`` holds the declaring decorators and the table of all primitives; ``calling`` how a
primitive calls a procedure. The other modules are families; ``catalogue`` imports them all.
"""
