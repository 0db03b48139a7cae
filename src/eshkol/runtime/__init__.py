"""What compiled code needs while it runs, and how errors are told to people.

Reading order: ``namespace`` (top-level variables), ``procedures`` (what is known of a Python
function that came from Scheme), ``truth`` (conditions), ``dialects`` (entering the staged
dialect), ``support`` (the hidden names that compiled code uses; ``elements`` has one of them),
``tail_calls``, ``report`` (errors for people: ``calls`` explains those of calls, ``foreign`` those
of Python functions, ``tracebacks`` makes entries of tracebacks), ``interrupts`` (what they would
leave behind).
"""
