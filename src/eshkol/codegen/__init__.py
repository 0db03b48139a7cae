"""From Core to Python code objects whose positions are those of the Scheme source.

Reading order: ``names`` (a Python name for each variable), ``python`` (building Python syntax
trees with Scheme spans), ``emitter`` (what both dialects share), ``eager`` (with ``eager_loops``)
and ``staged`` (the two dialects), ``kinds`` (which variables hold ints, which floats), ``inlining``
(primitives whose fast path is emitted in place: ``guards``, ``inline_numbers``, ``inline_data``),
``traversals`` (``map`` and others of a procedure written in place), ``unit`` (compiling top-level
forms and, on demand, the staged body of a procedure), ``included`` (lines of other files in it),
``redefinition`` (compiling again what relied on a primitive that is defined otherwise).
"""
