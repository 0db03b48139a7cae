"""From syntax objects to Core: hygienic macro expansion with sets of scopes (Flatt 2016).

Reading order: ``scopes`` (bindings and how an identifier is resolved), ``grammar`` (the shape of a
form as data that also makes its error message), ``expander`` (dispatch, applications, bodies, top
level), the core forms by family (``core_forms``, ``binding_forms``, ``conditional_forms``,
``quotation``), and ``syntax_rules`` (macros by patterns).
"""
