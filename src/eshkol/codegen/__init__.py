"""From Core to Python code objects whose positions are those of the Scheme source.

Reading order: ``names`` (a Python name for each variable), ``python`` (building Python syntax
trees with Scheme spans), ``emitter`` (what both dialects share), ``eager`` (with ``eager_loops``)
and ``staged`` (the two dialects), ``unit`` (compiling top-level forms and, on demand, the staged
body of a procedure), ``included`` (lines of other files in it), ``numbering`` (which trip of a loop
goes on, where the keys of random draws depend on it).

What makes eager code fast: ``kinds`` (which variables hold ints, which floats), ``inlining``
(primitives whose fast path is emitted in place: ``guards``, ``inline_numbers``, ``inline_data``,
``inline_text``), ``counting`` (loops that count), ``traversals`` and ``held_lists`` (``map`` and
others as loops, lists that are never made), ``int_procedures`` (recursion on ints),
``redefinition`` (compiling again what relied on a name that is defined otherwise).
"""
