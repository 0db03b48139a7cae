"""Files: reading them, writing them whole or not at all, and named tensors in them.

``files`` (paths, and errors of the operating system told as :class:`FileProblem`), ``atomic``
(replacing a file in one step), ``weights`` (named tensors in safetensors files). NumPy and
safetensors are imported when a tensor is first read or written.
"""
