"""The XLA engine: tensors as JAX arrays. Nothing outside this room imports JAX."""

from eshkol.xla import containers as containers

# What it adds to JAX's tracing context has to be there before anything is traced: an addition
# makes all that was compiled before be compiled again.
from eshkol.xla import loop_states as loop_states
from eshkol.xla import modes as modes
from eshkol.xla import recursion_depth as recursion_depth
from eshkol.xla.operation_store import install as _install

_install()
