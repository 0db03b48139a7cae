"""The file system: whole files, directories, and paths."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from eshkol.datum.pairs import Pair, scheme_list
from eshkol.datum.values import UNSPECIFIED, Unspecified
from eshkol.primitives.arguments import list_argument, string_argument
from eshkol.primitives.bytevectors import Bytevector, bytes_argument
from eshkol.primitives.calling import check_eager
from eshkol.primitives.declare import primitive
from eshkol.primitives.file_ports import file_problem, path_argument
from eshkol.primitives.lists import List


def _change(who: str, path: Any, action: Callable[[str], Any]) -> Unspecified:
    """Let ``action`` change the file system."""
    check_eager(who)
    _attempt(who, path, action)
    return UNSPECIFIED


def _attempt(who: str, path: Any, action: Callable[[str], Any]) -> Any:
    """What ``action`` gives for a path; the system's complaints become errors of ours."""
    file = path_argument(who, path)
    try:
        return action(file)
    except (OSError, ValueError) as error:
        raise file_problem(who, file, error) from None


# ---- files


@primitive("file-exists?")
def is_existing(path: str) -> bool:
    """Whether there is a file or directory of this name. Example: ``(file-exists? ".")`` ⇒
    ``#t``.
    """
    return _attempt("file-exists?", path, os.path.exists)


@primitive("delete-file", "file-delete")
def delete_file(path: str) -> Unspecified:
    """Delete a file.

    Raises:
        FileProblem: it does not exist, or can't be deleted.

    Example: ``(write-file "notes.txt" "") (delete-file "notes.txt") (file-exists?
    "notes.txt")`` ⇒ ``#f``.
    """
    return _change("delete-file", path, os.remove)


@primitive("rename-file", "file-rename")
def rename_file(old: str, new: str) -> Unspecified:
    """Give a file another name; a file that has it already is replaced.

    Example: ``(write-file "old.txt" "text") (rename-file "old.txt" "new.txt") (read-file
    "new.txt")`` ⇒ ``"text"``.
    """
    target = path_argument("rename-file", new)
    return _change("rename-file", old, lambda path: os.replace(path, target))


@primitive("copy-file", "file-copy")
def copy_file(source: str, target: str) -> Unspecified:
    """Copy the contents of a file to another, which is made or replaced.

    Example: ``(write-file "one.txt" "text") (copy-file "one.txt" "two.txt") (read-file
    "two.txt")`` ⇒ ``"text"``.
    """
    import shutil

    copy = path_argument("copy-file", target)
    return _change("copy-file", source, lambda path: shutil.copyfile(path, copy))


@primitive("file-size")
def file_size(path: str) -> int:
    """How many bytes a file has.

    Example: ``(write-file "notes.txt" "four") (file-size "notes.txt")`` ⇒ ``4``.
    """
    return _attempt("file-size", path, os.path.getsize)


@primitive("file-modification-time", "file-modification-seconds")
def file_modification_time(path: str) -> float:
    """When a file was last written: seconds since 1970-01-01 00:00 UTC.

    Example: ``(write-file "notes.txt" "") (<= (file-modification-time "notes.txt") (+ 1
    (current-second)))`` ⇒ ``#t``.
    """
    return _attempt("file-modification-time", path, os.path.getmtime)


def _read_text(path: str) -> str:
    with open(path, encoding="utf-8") as stream:
        return stream.read()


@primitive("read-file", "file->string", "file-read")
def read_file(path: str) -> str:
    r"""All the text of a file in UTF-8.

    Raises:
        FileProblem: the file is missing, or no UTF-8 text.

    Example: ``(write-file "notes.txt" "one\ntwo") (read-file "notes.txt")`` ⇒
    ``"one\ntwo"``.
    """
    return _attempt("read-file", path, _read_text)


@primitive("read-file-lines", "file->lines")
def read_file_lines(path: str) -> List:
    r"""The list of the lines of a file.

    Example: ``(write-file "notes.txt" "one\ntwo") (read-file-lines "notes.txt")`` ⇒
    ``("one" "two")``.
    """
    return scheme_list(_attempt("read-file-lines", path, _read_text).splitlines())


@primitive("read-file-bytes", "file->bytevector")
def read_file_bytes(path: str) -> Bytevector:
    """All the bytes of a file.

    Example: ``(write-file "notes.txt" "ab") (read-file-bytes "notes.txt")`` ⇒ ``#u8(97
    98)``.
    """

    def read(file: str) -> bytearray:
        with open(file, "rb") as stream:
            return bytearray(stream.read())

    return _attempt("read-file-bytes", path, read)


def _write(who: str, path: Any, content: Any, mode: str) -> Unspecified:
    binary = isinstance(content, bytes | bytearray)
    data = bytes_argument(who, content) if binary else string_argument(who, content).encode()

    def write(file: str) -> None:
        with open(file, mode) as stream:
            stream.write(data)

    return _change(who, path, write)


@primitive("write-file", "string->file", "file-write")
def write_file(path: str, content: str) -> Unspecified:
    """Make a file of a string, in UTF-8, or of a bytevector; what the file holds is lost.

    Example: ``(write-file "notes.txt" "text") (read-file "notes.txt")`` ⇒ ``"text"``.
    """
    return _write("write-file", path, content, "wb")


@primitive("append-file", "append-to-file", "file-append")
def append_file(path: str, content: str) -> Unspecified:
    """Add a string, in UTF-8, or a bytevector to the end of a file, which is made if need be.

    Example: ``(write-file "log.txt" "a") (append-file "log.txt" "b") (read-file
    "log.txt")`` ⇒ ``"ab"``.
    """
    return _write("append-file", path, content, "ab")


@primitive("write-file-lines", "lines->file")
def write_file_lines(path: str, lines: List) -> Unspecified:
    r"""Make a file of a list of lines.

    Example: ``(write-file-lines "notes.txt" '("one" "two")) (read-file "notes.txt")`` ⇒
    ``"one\ntwo\n"``.
    """
    strings = list_argument("write-file-lines", lines)
    text = "".join(f"{string_argument('write-file-lines', line)}\n" for line in strings)
    return _write("write-file-lines", path, text, "wb")


# ---- directories


@primitive("directory-exists?", "directory?", "file-directory?")
def is_directory(path: str) -> bool:
    """Whether there is a directory of this name.

    Example: ``(make-directory "data") (directory-exists? "data")`` ⇒ ``#t``.
    """
    return _attempt("directory-exists?", path, os.path.isdir)


@primitive("file-regular?", "regular-file?")
def is_regular_file(path: str) -> bool:
    """Whether there is a file of this name that is no directory.

    Example: ``(make-directory "data") (file-regular? "data")`` ⇒ ``#f``.
    """
    return _attempt("file-regular?", path, os.path.isfile)


@primitive("directory-list", "list-directory", "directory-files")
def directory_list(path: str = ".") -> List:
    """The sorted list of the names in a directory.

    Example: ``(make-directory "data/b") (make-directory "data/a") (directory-list
    "data")`` ⇒ ``("a" "b")``.
    """
    return scheme_list(sorted(_attempt("directory-list", path, os.listdir)))


@primitive("make-directory", "create-directory", "mkdir")
def make_directory(path: str) -> Unspecified:
    """Make a directory, and those around it that are missing; one that exists is left alone.

    Example: ``(make-directory "runs/first") (directory-exists? "runs/first")`` ⇒ ``#t``.
    """
    return _change("make-directory", path, lambda file: os.makedirs(file, exist_ok=True))


@primitive("delete-directory", "remove-directory", "rmdir")
def delete_directory(path: str) -> Unspecified:
    """Delete an empty directory.

    Example: ``(make-directory "empty") (delete-directory "empty") (directory-exists?
    "empty")`` ⇒ ``#f``.
    """
    return _change("delete-directory", path, os.rmdir)


@primitive("current-directory", "getcwd")
def current_directory() -> str:
    """The directory that relative paths start from.

    Example: ``(path-absolute? (current-directory))`` ⇒ ``#t``.
    """
    return os.getcwd()


@primitive("change-directory", "set-current-directory!", "chdir")
def change_directory(path: str) -> Unspecified:
    """Let relative paths start from another directory.

    Example: ``(let ((here (current-directory))) (make-directory "data") (change-directory "data")
    (let ((name (path-filename (current-directory)))) (change-directory here) name))`` ⇒
    ``"data"``.
    """
    return _change("change-directory", path, os.chdir)


# ---- paths


@primitive("path-join")
def path_join(*parts: str) -> str:
    """The path made of parts. Example: ``(path-join "a" "b.txt")`` ⇒ ``"a/b.txt"``."""
    return os.path.join("", *(path_argument("path-join", part) for part in parts))


def _path_part(names: tuple[str, ...], take: Callable[[str], str], documentation: str) -> None:
    def part(path: str) -> str:
        return take(path_argument(names[0], path))

    part.__doc__ = documentation
    primitive(*names)(part)


_path_part(
    ("path-directory", "path-dirname", "dirname"),
    lambda path: os.path.dirname(path) or ".",
    'The directory of a path. Example: ``(path-directory "a/b.txt")`` ⇒ ``"a"``.',
)
_path_part(
    ("path-filename", "path-basename", "basename"),
    os.path.basename,
    'The name without the directory. Example: ``(path-filename "a/b.txt")`` ⇒ ``"b.txt"``.',
)
_path_part(
    ("path-extension",),
    lambda path: os.path.splitext(path)[1],
    'The extension with its dot. Example: ``(path-extension "a/b.txt")`` ⇒ ``".txt"``.',
)
_path_part(
    ("path-stem", "path-strip-extension"),
    lambda path: os.path.splitext(os.path.basename(path))[0],
    'The name without directory and extension. Example: ``(path-stem "a/b.txt")`` ⇒ ``"b"``.',
)
_path_part(
    ("path-normalize",),
    os.path.normpath,
    'The shortest spelling of a path. Example: ``(path-normalize "a/./b/../c")`` ⇒ ``"a/c"``.',
)
_path_part(
    ("path-absolute", "absolute-path"),
    os.path.abspath,
    "A path that does not depend on the current directory. "
    'Example: ``(path-absolute "/data/../a.txt")`` ⇒ ``"/a.txt"``.',
)


@primitive("path-absolute?", "absolute-path?")
def is_absolute(path: str) -> bool:
    """Whether a path does not depend on the current directory.

    Example: ``(path-absolute? "data/train.csv")`` ⇒ ``#f``.
    """
    return os.path.isabs(path_argument("path-absolute?", path))


@primitive("path-split")
def path_split(path: str) -> Pair:
    """The list of a path's directory and the name in it.

    Example: ``(path-split "a/b.txt")`` ⇒ ``("a" "b.txt")``.
    """
    return scheme_list(os.path.split(path_argument("path-split", path)))
