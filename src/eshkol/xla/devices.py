"""Devices by the names that programs give them."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import numpy as np

from eshkol.base.errors import BadValue, WrongType
from eshkol.datum.symbols import Symbol
from eshkol.datum.values import MutableString
from eshkol.datum.write import short_string

_NAME = re.compile(r"([a-z_]+)(?::(\d+))?")


def find_device(who: str, device: Any, backend: Any = None) -> Any:
    """The device that ``#:device`` and ``#:backend`` mean; None if both are left out.

    Args:
        who: the primitive, for errors.
        device: ``'cpu``, ``'gpu``, ``"cuda:1"``, its number on the backend, or a JAX device.
        backend: the platform on which ``device`` is sought: ``'cpu``, ``'gpu``, ``'tpu`` …

    Raises:
        BadValue: if there is no such device; the message lists those there are.
        WrongType: if it is no name of a device.
    """
    platform = None if backend in (None, False) else _text(who, "backend", backend)
    if isinstance(device, jax.Device):
        return device
    if device is None or device is False:
        return None if platform is None else _device(who, platform, 0, platform)
    if device.__class__ is int:
        return _device(who, platform, device, f"device {device}")
    name = _text(who, "device", device)
    found = _NAME.fullmatch(name.lower())
    if found is None:
        raise BadValue(f'{who}: expected a device such as "cpu" or "cuda:0", got {name!r}')
    kind, number = found.group(1), int(found.group(2) or 0)
    if platform is not None and not _are_same(kind, platform):
        raise BadValue(f"{who}: the device {name} is not on the backend {platform}")
    return _device(who, kind, number, name)


def _text(who: str, option: str, value: Any) -> str:
    if isinstance(value, Symbol | str | MutableString):
        return str(value)
    raise WrongType(
        f'{who}: {option}: expected a name such as \'cpu or "cuda:0", got {short_string(value)}'
    )


def _are_same(kind: str, platform: str) -> bool:
    gpus = ("gpu", "cuda", "rocm")
    return kind == platform or (kind in gpus and platform in gpus)


def _device(who: str, platform: str | None, number: int, shown: str) -> Any:
    try:
        return jax.devices(platform)[number]
    except (IndexError, RuntimeError):
        raise BadValue(
            f"{who}: there is no {shown if shown.startswith('device') else f'device {shown}'}",
            hint=f"there are: {', '.join(map(device_name, all_devices()))}",
        ) from None


def all_devices() -> list[Any]:
    """The devices of this machine: those of the default backend, then the processor's."""
    devices = list(jax.devices())
    return devices + [d for d in jax.devices("cpu") if d not in devices]


def device_name(device: Any) -> str:
    """``cpu:0``, ``cuda:1``: a name that ``#:device`` takes."""
    return str(device).lower() if ":" in str(device) else f"{device.platform}:{device.id}"


def running_on(device: Any) -> AbstractContextManager[Any]:
    """A context in which what is not bound to a device runs on this one, if it is not None."""
    return nullcontext() if device is None else jax.default_device(device)


def placed(arrays: list[Any], device: Any) -> list[Any]:
    """The arrays on a device, if it is not None; numbers, and what is traced, as they are."""
    if device is None:
        return arrays
    return [
        jax.device_put(array, device)
        if isinstance(array, jax.Array | np.ndarray) and not isinstance(array, jax.core.Tracer)
        else array
        for array in arrays
    ]
