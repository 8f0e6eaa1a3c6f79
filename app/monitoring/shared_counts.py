"""Prepares the files through which the processes of one server are counted together (PROMETHEUS_MULTIPROC_DIR).

prometheus-client maps sparse files into memory: on a full file system, the first write to a new page kills the process
(SIGBUS). So the files get all their space before they are used, and without it each process counts for itself.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from prometheus_client import values

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)

FOLDER = "PROMETHEUS_MULTIPROC_DIR"

FILE_BYTES = {"counter": 1 << 16, "histogram": 1 << 21}
"""How large the file of each kind is. All metrics with all values of their labels take less."""

_FILE_NAME = re.compile(r"(?:counter|histogram)_\d+\.db")

_open_files: list[BinaryIO] = []
"""The files of this process. They are locked while it lives."""


class MissingFolder(Exception):
    """Raised when PROMETHEUS_MULTIPROC_DIR names a folder that does not exist."""


def prepare_folder() -> None:
    """Make a folder and set PROMETHEUS_MULTIPROC_DIR; if that is set, remove what dead processes have left there.

    If no folder can be created, warn and leave it unset. Then each worker counts for itself.

    :raises MissingFolder: PROMETHEUS_MULTIPROC_DIR names a folder that does not exist.
    """
    folder = os.environ.get(FOLDER)
    if folder is None:
        try:
            os.environ[FOLDER] = tempfile.mkdtemp(prefix="metrics-")
        except OSError as error:
            log.warning("Each worker counts for itself: there is no folder for shared metrics (%s)", error.strerror)
    elif not Path(folder).is_dir():
        raise MissingFolder(f"{FOLDER}={folder} is not a folder. Create it, or leave the variable unset.")
    else:
        remove_dead_files(Path(folder))


def remove_folder(folder: str) -> None:
    """Remove a folder that `prepare_folder` has made."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_dead_files(folder: Path) -> None:
    """Remove the files of processes that are not running any more, so that an earlier server's counts do not show."""
    for path in folder.iterdir():
        if _FILE_NAME.fullmatch(path.name):
            with suppress(OSError), path.open("ab") as file:
                _lock(file)
                path.unlink()


@functools.cache
def reserve_space(process: int) -> bool:
    """Create the files of a process at their full size. Return False if it must count for itself.

    :param process: the id of this process.
    """
    folder = os.environ.get(FOLDER)
    if folder is None:
        return False
    paths = {Path(folder) / f"{kind}_{process}.db": size for kind, size in FILE_BYTES.items()}
    try:
        for path, size in paths.items():
            _open_files.append(_reserved(path, size))
    except OSError as error:
        log.warning("This process is not counted in the shared metrics: %s in %s", error.strerror, folder)
        for path in paths:
            with suppress(OSError):
                path.unlink()
        values.ValueClass = values.MutexValue
        return False
    return True


def _reserved(path: Path, size: int) -> BinaryIO:
    """Return the open, locked file of at least this size; its space is taken, not only promised.

    :raises OSError: there is not enough.
    """
    file = path.open("ab", buffering=0)
    try:
        _lock(file)
        missing = size - file.tell()
        while missing > 0:
            missing -= file.write(bytes(missing))
        os.fsync(file.fileno())
    except OSError:
        file.close()
        raise
    return file


def _lock(file: BinaryIO) -> None:
    """Lock the file for as long as it is open. On Windows, an open file cannot be removed anyway.

    :raises OSError: another process has locked it.
    """
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
