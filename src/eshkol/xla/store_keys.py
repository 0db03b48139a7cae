"""What a compiled program depends on beside what it computes: versions, settings, the machine.

All of it goes into the key of a stored program, so that what was compiled by another version, on
another kind of processor, or under another setting of JAX is never found.
"""

from __future__ import annotations

import enum
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from typing import Any

import jax
import jaxlib
import numpy as np

from eshkol.base.config import CONFIG
from eshkol.base.version import VERSION
from eshkol.xla._compat import AxisEnv, topology_fingerprint, trace_context
from eshkol.xla.descriptions import PACKAGE, Undescribable

FORMAT = 2
"""Of what is stored; another number finds nothing that was stored before."""

_WITHOUT_MEANING = (
    "log",
    "traceback",
    "cache",
    "dump",
    "explain",
    "debug_leaked",
    "transfer_guard",
)
"""What the names of JAX's settings hold that have nothing to do with what is compiled."""

_UNFIT = ("jax_debug_nans", "jax_debug_infs", "jax_enable_checks", "jax_debug_key_reuse")
"""Settings under which JAX does more than to run a program."""


@cache
def _versions() -> tuple[Any, ...]:
    """Of all whose code decides what is compiled."""
    return (
        FORMAT,
        VERSION,
        sys.version,
        jax.__version__,
        jaxlib.__version__,
        np.__version__,
        *_stamps("optax", "ml_dtypes"),
        *_sources(),
    )


def _stamps(*packages: str) -> Iterator[tuple[int, int]]:
    """When packages were installed; that is quicker to find out than their versions."""
    for package in packages:
        spec = find_spec(package)
        if spec is not None and spec.origin:
            status = os.stat(spec.origin)
            yield status.st_size, status.st_mtime_ns


def _sources() -> Iterator[tuple[str, int, int]]:
    """Our own sources."""
    with os.scandir(PACKAGE) as found:
        rooms = sorted((entry.name, entry.path) for entry in found if entry.is_dir())
    for room, path in [("", PACKAGE), *rooms]:
        with os.scandir(path) as files:
            for file in sorted(files, key=lambda file: file.name):
                if file.name.endswith((".py", ".esk")):
                    status = file.stat()
                    yield f"{room}/{file.name}", status.st_size, status.st_mtime_ns


@cache
def _machine(device: jax.Device) -> tuple[Any, ...]:
    """What the code of a device depends on."""
    flags = [os.environ.get(name, "") for name in ("XLA_FLAGS", "LIBTPU_INIT_ARGS")]
    return (
        device.platform,
        device.device_kind,
        device.id,
        jax.device_count(),
        getattr(device.client, "platform_version", ""),
        topology_fingerprint(device),
        platform.machine(),
        _processor_features(),
        os.cpu_count(),
        *flags,
        *[word for word in sys.argv if word.startswith("--xla")],
    )


def _processor_features() -> str:
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(("flags", "Features")):
                return line
    return platform.processor()


@cache
def default_device() -> jax.Device | None:
    """Where programs run that nothing else is said of; None if processes share the work."""
    return jax.devices()[0] if jax.process_count() == 1 else None


def environment(device: jax.Device) -> bytes:
    """All of this as bytes.

    Raises:
        Undescribable: a setting of JAX asks for more than to run programs, or has no words.
    """
    values = jax.config.values
    if any(values.get(name) for name in _UNFIT):
        raise Undescribable("a setting of JAX checks what programs do")
    settings = [
        (name, _setting(value))
        for name, value in sorted(values.items())
        if not any(word in name for word in _WITHOUT_MEANING)
    ]
    context = [_setting(value) for value in trace_context()]
    whole = [_versions(), _machine(device), settings, CONFIG.mode, context]
    return json.dumps(whole).encode()


def _setting(value: Any) -> Any:
    """A setting in words."""
    kind = value.__class__
    if value is None or kind in (str, bool, int, float):
        return [kind.__name__, repr(value)]
    if kind is tuple or kind is frozenset:
        items = [_setting(item) for item in value]
        return [kind.__name__, sorted(items) if kind is frozenset else items]
    if isinstance(value, jax.Device):
        return ["device", value.platform, value.id]
    if isinstance(value, enum.Enum):
        return [kind.__name__, value.name]
    if kind is AxisEnv and not value.axis_sizes:
        return ["axes"]
    if kind.__name__ == "AbstractMesh" and value.empty:
        return ["mesh"]
    raise Undescribable(f"a setting of JAX, {value!r}")
