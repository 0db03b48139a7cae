"""A directory of results that later processes use again: the persistent store of programs.

An entry is one file, named by its key. It begins with a mark, the key, and a checksum of key and
content, so that an entry that is cut off, damaged, of another version or of another user is as good
as none. Files are written whole or not at all, and many processes may use one directory at once.
Where entries take more room than they may, those not read for longest go first.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from eshkol.base.config import CONFIG

MARK = b"eshkol store 1\n\0"
KEY_SIZE = 32
HEADER_SIZE = len(MARK) + 2 * KEY_SIZE
SUFFIX = ".program"
_NAME = re.compile(r"[0-9a-f]{64}\.program(\.[0-9]+\.[0-9]+\.part)?")
ABANDONED = 3600.0
"""A file that was being written so many seconds ago will not be finished."""


class Entry(NamedTuple):
    """A file of the store.

    Attributes:
        path: where it is.
        size: in bytes.
        used: when it was last read or written, in seconds since the epoch.
    """

    path: str
    size: int
    used: float


def key_of(*parts: bytes) -> bytes:
    """The key of what these bytes determine.

    Example:
        >>> key_of(b"ab", b"c") == key_of(b"a", b"bc")
        False
    """
    digest = hashlib.blake2b(digest_size=KEY_SIZE)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def user_directory() -> str:
    """Where the store is if nothing says otherwise: under the user's directory for caches."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):
            base = os.path.expanduser("~/.cache")
    return os.path.join(base, "eshkol", "programs")


class Store:
    """The entries in a directory.

    Args:
        directory: which is made when something is first written.
        limit: how many bytes its entries may take together.
    """

    def __init__(self, directory: str, limit: int) -> None:
        self.directory = directory
        self.limit = limit

    def path(self, key: bytes) -> str:
        """The file of an entry."""
        return os.path.join(self.directory, key.hex() + SUFFIX)

    def read(self, key: bytes) -> bytes | None:
        """The content under a key; None if there is no good entry."""
        try:
            with open(self.path(key), "rb", opener=_opener) as file:
                if not _is_own(os.fstat(file.fileno())):
                    return None
                data = file.read()
        except (OSError, ValueError):
            return None
        with suppress(OSError):
            os.utime(self.path(key))
        content = data[HEADER_SIZE:]
        return content if data[:HEADER_SIZE] == _header(key, content) else None

    def write(self, key: bytes, content: bytes) -> bool:
        """Keep ``content`` under ``key``; whether that was possible."""
        if HEADER_SIZE + len(content) > self.limit:
            return False
        path = self.path(key)
        draft = f"{path}.{os.getpid()}.{time.monotonic_ns()}.part"
        try:
            os.makedirs(self.directory, 0o700, exist_ok=True)
            descriptor = os.open(draft, _WRITE, 0o600)
        except OSError:
            return False
        try:
            with open(descriptor, "wb") as file:
                file.write(_header(key, content))
                file.write(content)
            os.replace(draft, path)
        except OSError:
            with suppress(OSError):
                os.unlink(draft)
            return False
        self.make_room()
        return True

    def entries(self) -> Iterator[Entry]:
        """All files of the store, unfinished ones too; other files in the directory are not its."""
        with suppress(OSError), os.scandir(self.directory) as files:
            for file in files:
                with suppress(OSError):
                    if _NAME.fullmatch(file.name) and file.is_file(follow_symlinks=False):
                        status = file.stat(follow_symlinks=False)
                        yield Entry(file.path, status.st_size, status.st_mtime)

    def make_room(self) -> None:
        """Remove what was not read for longest, until the rest is no larger than it may be."""
        entries = sorted(self.entries(), key=lambda entry: entry.used)
        excess = sum(entry.size for entry in entries) - self.limit
        now = time.time()
        for entry in entries:
            is_draft = not entry.path.endswith(SUFFIX)
            if (is_draft and now - entry.used > ABANDONED) or (not is_draft and excess > 0):
                excess -= entry.size
                with suppress(OSError):
                    os.unlink(entry.path)

    def clear(self) -> int:
        """Remove all entries; how many there were."""
        count = 0
        for entry in list(self.entries()):
            with suppress(OSError):
                os.unlink(entry.path)
                count += 1
        return count


_BINARY = getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | _BINARY
_WRITE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY


def _opener(path: str, _: int) -> int:
    return os.open(path, _READ)


def _header(key: bytes, content: bytes) -> bytes:
    return MARK + key + key_of(key, content)


def _is_own(status: os.stat_result) -> bool:
    """Whether a file is one that only this user can have written."""
    if not stat.S_ISREG(status.st_mode):
        return False
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def user_store() -> Store | None:
    """The store that this process uses now; None if it is switched off."""
    if not CONFIG.store:
        return None
    return Store(CONFIG.store_directory or user_directory(), CONFIG.store_limit)
