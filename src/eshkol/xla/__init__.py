"""The XLA engine: tensors as JAX arrays. Nothing outside this room imports JAX."""

from eshkol.xla import containers as containers
