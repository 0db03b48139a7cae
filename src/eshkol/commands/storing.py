"""``eshkol store``: what the store of compiled programs holds, and emptying it."""

from __future__ import annotations

from eshkol.base.config import CONFIG
from eshkol.base.store import Store, user_directory


def show_store() -> int:
    """Print where the store is and how much it holds."""
    store = _store()
    entries = list(store.entries())
    size = sum(entry.size for entry in entries)
    print(store.directory)
    print(f"{_count(len(entries))}, {_shown(size)} of {_shown(store.limit)}")
    if not CONFIG.store:
        print("it is switched off (ESHKOL_STORE, --no-store)")
    return 0


def clear_store() -> int:
    """Remove all entries."""
    print(f"removed {_count(_store().clear())}")
    return 0


def _store() -> Store:
    return Store(CONFIG.store_directory or user_directory(), CONFIG.store_limit)


def _count(number: int) -> str:
    return f"{number} {'entry' if number == 1 else 'entries'}"


def _shown(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
