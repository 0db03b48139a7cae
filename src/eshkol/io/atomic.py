"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from eshkol.base.errors import FileProblem
from eshkol.io.files import os_problem


@contextlib.contextmanager
def replacing(who: str, path: Path) -> Iterator[IO[bytes]]:
    """A binary file that becomes ``path`` when the block ends, and vanishes if it raises.

    What is written goes to a temporary file in the same directory, is forced to the disk and then
    renamed, so that another process, or a crash, sees the old content or the new one. The mode of
    an existing file is kept; a symbolic link stays one, and its target is replaced.

    Args:
        who: the procedure that an error names.
        path: the file to create or replace.

    Raises:
        FileProblem: the directory is missing or not writable, the path is a directory or a
            device, or the disk is full.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "numbers"
        >>> with replacing("example", path) as file:
        ...     _ = file.write(b"1 2 3")
        >>> path.read_bytes()
        b'1 2 3'
    """
    target = Path(os.path.realpath(path))
    mode = _mode_for(who, path, target)
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name[:64]}.", suffix=".part"
        )
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(temporary, target)
        temporary = None
        _sync_directory(target.parent)
    except OSError as error:
        if isinstance(error, FileProblem):
            raise
        raise os_problem(f"{who}: can't write {path}:", error) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def write_bytes(who: str, path: Path, content: bytes) -> None:
    """Make ``content`` the content of ``path`` in one step; errors as in :func:`replacing`."""
    with replacing(who, path) as file:
        file.write(content)


def _mode_for(who: str, path: Path, target: Path) -> int:
    """The permissions of the new file; an error if ``target`` can't be replaced by a file."""
    try:
        status = os.stat(target)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
    except (OSError, ValueError) as error:
        problem = error if isinstance(error, OSError) else OSError(str(error))
        raise os_problem(f"{who}: can't write {path}:", problem) from None
    if stat.S_ISREG(status.st_mode):
        if not os.access(target, os.W_OK):
            denied = OSError(errno.EACCES, os.strerror(errno.EACCES))
            raise os_problem(f"{who}: can't write {path}:", denied)
        return stat.S_IMODE(status.st_mode)
    found = "a directory" if stat.S_ISDIR(status.st_mode) else "a device or pipe"
    raise FileProblem(
        f"{who}: can't write {path}: it is {found}", hint="name a file, new or to be replaced"
    )


def _sync_directory(directory: Path) -> None:
    """Force a rename to the disk, where the system allows it (Windows does not)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
