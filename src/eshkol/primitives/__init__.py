"""Primitive procedures: each a name, a docstring and its rules, declared together.

Reading order: ``declare`` (the declaring decorators and the table of all primitives), ``calling``
(how a primitive calls a procedure), ``arguments`` (checks that all share), ``numbers`` (what is a
number), ``elements`` and ``operations`` (how an operation goes by the kinds of its operands),
``dynamic`` (handlers, extents and parameters: what a continuation captures). The other modules are
families of primitives; ``catalogue`` imports them all.
"""
