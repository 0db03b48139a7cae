"""``python -m eshkol.reference DIRECTORY``: write the pages of the reference."""

from __future__ import annotations

import sys
from pathlib import Path

from eshkol.reference.site import texts


def write(directory: Path) -> None:
    """Write all pages into a directory, and remove those of its pages that there are no more."""
    directory.mkdir(parents=True, exist_ok=True)
    pages = texts()
    for path in directory.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m eshkol.reference DIRECTORY")
    write(Path(sys.argv[1]))
