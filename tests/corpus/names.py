"""File names and files that are no files."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

HOSTILE_NAMES: tuple[bytes, ...] = (
    b"line\nbreak.jpg",
    b"return\r.jpg",
    b"tab\t.jpg",
    b"\x1b[31mred.jpg",
    b"\x1b]0;owned\x07.jpg",
    b"\x9b31mc1.jpg",
    b"bell\x07.jpg",
    b'quote".jpg',
    b"quote'.jpg",
    b"back\\slash.jpg",
    b"$(touch owned).jpg",
    b"`touch owned`.jpg",
    b";semi,comma.jpg",
    b"=cmd|' -C calc'!A0.jpg",
    b"+1.jpg",
    b"-rf.jpg",
    b"@SUM(A1).jpg",
    b"%s%n{0}.jpg",
    b"[red]markup[bold].jpg",
    b"<script>alert(1)<&script>.jpg",
    b" leading and trailing .jpg",
    b"\xff\xfe\x80.jpg",
    b"half \xe2\x80.jpg",
    "\u202egpj.exe.jpg".encode(),
    "\u200b\ufeffinvisible.jpg".encode(),
    "\U000e0041tag.jpg".encode(),
    "é composed.jpg".encode(),
    "e\u0301 decomposed.jpg".encode(),
    b"a" * 251 + b".jpg",
    "\U0001f600".encode() * 62 + b".jpg",
    b"\\xff literal.jpg",
    b"CON.jpg",
    b"~.jpg",
)
ESCAPES = (b"\x1b[31mred", b"\x1b]0;", b"\x07", b"\xe2\x80\xae", b"\xe2\x80\x8b", b"\r")


def path_in(folder: Path, name: bytes) -> Path:
    return Path(os.fsdecode(os.fsencode(folder) + b"/" + name))


def make_specials(folder: Path) -> list[Path]:
    """No regular files, all called like photos: FIFO, socket, device nodes where we may make them, links, a folder."""
    os.mkfifo(folder / "fifo.jpg")
    (folder / "folder.jpg").mkdir()
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "ring-1").symlink_to("ring-2")
    (folder / "ring-2").symlink_to("ring-1")
    (folder / "up").symlink_to("..")
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    made = [folder / name for name in ("fifo.jpg", "loop.jpg", "zero.jpg")]
    server = socket.socket(socket.AF_UNIX)
    try:
        here = Path.cwd()
        os.chdir(folder)  # the address of a socket is short
        server.bind("socket.jpg")
        made.append(folder / "socket.jpg")
    finally:
        os.chdir(here)
        server.close()
    try:
        os.mknod(folder / "device.jpg", stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero
        made.append(folder / "device.jpg")
    except OSError:
        pass  # not root
    return made


def deep_folder(root: Path, photo: bytes) -> int:
    """A photo whose path is longer than 4,096 bytes, below `root`; the length. The file is made folder by folder."""
    here = os.open(root, os.O_RDONLY)
    length = len(os.fsencode(root))
    name = "d" * 200
    try:
        while length < 4_500:
            os.mkdir(name, dir_fd=here)
            inner = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = inner
            length += 201
        descriptor = os.open("deep.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=here)
        os.write(descriptor, photo)
        os.close(descriptor)
    finally:
        os.close(here)
    return length + 9
