"""Trees of files on any file system of ``pyarrow.fs``: listing, what is done already, and writing whole files.

What is done is told by the trees themselves, not by a list that would have to be kept and would grow with
them: a result is done if it is not older than its source. Both trees are read folder by folder while the
work goes on, so that their size does not matter.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pyarrow import fs

from .errors import BadParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Folder in a target for what is not a result.
PRIVATE = ".heirloom"
# File systems on which a file appears when it is whole.
_ATOMIC = ("s3", "gcs", "abfs")
# Unfinished files of a run that was killed are removed once nobody can still be writing them.
_STALE = timedelta(days=1)


@dataclass(frozen=True)
class Tree:
    """A folder on a file system."""

    filesystem: fs.FileSystem
    path: str

    @classmethod
    def open(cls, path: Any, filesystem: Any = None) -> "Tree":
        """The folder of a path, of a URI such as ``s3://bucket/folder``, or of a path on `filesystem`."""
        path = os.fspath(path)
        if filesystem is None:
            if "://" in path:
                filesystem, path = fs.FileSystem.from_uri(path)
            else:
                filesystem, path = fs.LocalFileSystem(), os.path.abspath(path).replace(os.sep, "/")
        elif not isinstance(filesystem, fs.FileSystem):
            filesystem = fs.PyFileSystem(fs.FSSpecHandler(filesystem))
        return cls(filesystem, path.rstrip("/"))

    def join(self, relative: str) -> str:
        """The path of a file or folder within."""
        return f"{self.path}/{relative}" if self.path and relative else self.path or relative

    def read(self, relative: str) -> bytes:
        """All bytes of a file."""
        with self.filesystem.open_input_stream(self.join(relative)) as file:
            return file.read()

    def list(self, relative: str) -> "list[fs.FileInfo]":
        """What lies in a folder, by name; nothing if there is no such folder."""
        selector = fs.FileSelector(self.join(relative), allow_not_found=True)
        return sorted(self.filesystem.get_file_info(selector), key=lambda info: info.base_name)

    def contains(self, other: "Tree") -> bool:
        """Whether another tree is this one or lies in it."""
        inside = not self.path or f"{other.path}/".startswith(f"{self.path}/")
        return inside and self.filesystem.equals(other.filesystem)

    def write(self, relative: str, data: bytes, run: str, modified: "int | None" = None) -> None:
        """Writes a file that appears when it is whole, and replaces one of its name.

        `run` names the folder of unfinished files. On a local disk the file gets the time of modification
        `modified`, in nanoseconds.
        """
        path = self.join(relative)
        if self.filesystem.type_name in _ATOMIC:
            with self.filesystem.open_output_stream(path) as file:
                file.write(data)
            return
        # Not beside the result, where one of a worker that was killed would lie for ever.
        temporary = self.join(f"{PRIVATE}/{run}/{uuid.uuid4().hex}")
        for new in (temporary, path):
            self.filesystem.create_dir(new.rpartition("/")[0], recursive=True)
        if not isinstance(self.filesystem, fs.LocalFileSystem):
            with self.filesystem.open_output_stream(temporary) as file:
                file.write(data)
            self.filesystem.move(temporary, path)
            return
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            # Else the name could outlive a power failure without the bytes.
            os.fsync(file.fileno())
        if modified is not None:
            os.utime(temporary, ns=(modified, modified))
        os.replace(temporary, path)

    def claim(self, settings: "dict[str, Any]", run: str) -> None:
        """Makes this the target of work with these settings, and removes what killed runs have left.

        Raises:
            BadParameterError: A folder that holds other files, or the results of other settings.
        """
        name = "settings.json"
        own = {info.base_name: info for info in self.list(PRIVATE)}
        if name in own:
            known = json.loads(self.read(f"{PRIVATE}/{name}"))
            other = sorted(key for key in known.keys() | settings.keys() if known.get(key) != settings.get(key))
            if other:
                raise BadParameterError(
                    f"{self.path} holds results of other settings ({', '.join(other)}); give another folder, or remove "
                    "this one"
                )
        elif any(info.base_name != PRIVATE for info in self.list("")):
            raise BadParameterError(
                f"{self.path} holds files that are not of an earlier run; give an empty or new folder, so that none of "
                "them is replaced or taken for a result"
            )
        else:
            self.write(f"{PRIVATE}/{name}", json.dumps(settings, indent=1, sort_keys=True).encode(), run)
        now = datetime.now(timezone.utc)
        for info in own.values():
            if info.type == fs.FileType.Directory and info.mtime is not None and now - info.mtime > _STALE:
                self.filesystem.delete_dir(info.path)

    def leave(self, run: str) -> None:
        """Removes the unfinished files of a run."""
        path = self.join(f"{PRIVATE}/{run}")
        if self.filesystem.get_file_info(path).type == fs.FileType.Directory:
            self.filesystem.delete_dir(path)


@dataclass(frozen=True)
class Item:
    """A file to work on: names within the source and the target, size in bytes, and time of modification in
    nanoseconds, if the file system tells."""

    source: str
    target: str
    size: int
    modified: "int | None"


def items(source: Tree, target: Tree, name: "Callable[[str], str | None]") -> "Iterator[tuple[Item, bool]]":
    """All files of a tree that `name` has a result's name for, and whether that result is there already.

    Links to folders are not followed. A target that lies within the source is left out.
    """
    folders = [""]
    local = isinstance(source.filesystem, fs.LocalFileSystem)
    while folders:
        folder = folders.pop()
        results = None
        within = []
        for info in source.list(folder):
            relative = f"{folder}/{info.base_name}" if folder else info.base_name
            if info.type == fs.FileType.Directory:
                if info.base_name != PRIVATE and not target.contains(Tree(source.filesystem, info.path)):
                    if not (local and os.path.islink(info.path)):
                        within.append(relative)
            elif info.type == fs.FileType.File and (result := name(info.base_name)) is not None:
                if results is None:
                    results = {found.base_name: found for found in target.list(folder)}
                item = Item(relative, f"{folder}/{result}" if folder else result, info.size, info.mtime_ns)
                yield item, _is_done(item, results.get(result))
        folders.extend(reversed(within))


def _is_done(item: Item, result: "fs.FileInfo | None") -> bool:
    if result is None or result.type != fs.FileType.File:
        return False
    return item.modified is None or result.mtime_ns is None or result.mtime_ns >= item.modified
