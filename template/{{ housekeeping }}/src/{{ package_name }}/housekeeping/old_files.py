"""Delete what is old in a folder, and nothing that a link in it leads to."""

import os
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG


def delete_old(folder: Path, before: float) -> int:
    """Delete the files below it that were last written before that time; return how many.

    The time is in seconds since 1970. Links stay, and a folder that is one is not entered. Each
    folder is held open while its files go: one that is exchanged for a link meanwhile leads
    nowhere else.
    """
    deleted = 0
    with suppress(FileNotFoundError):  # nothing was ever written
        for _, _, names, fd in os.fwalk(folder):
            deleted += sum(_delete(name, fd, before) for name in names)
    return deleted


def _delete(name: str, folder_fd: int, before: float) -> bool:
    try:
        found = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
        if not S_ISREG(found.st_mode) or found.st_mtime >= before:
            return False
        os.unlink(name, dir_fd=folder_fd)
    except FileNotFoundError:  # its writer was done with it
        return False
    return True
