"""What the decoding process takes from itself before it reads a stranger's bytes.

Afterwards it can compute, read the files that are open already and talk over the socket it has.
It cannot open a file or a socket, start a program, signal anybody, grow a file, or make memory
executable. Numbers and structures are those of the Linux headers named beside them.
"""

from __future__ import annotations

import ctypes
import math
import os
import platform
import resource
import signal
import struct
import sys
from dataclasses import dataclass

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38  # linux/prctl.h
_SECCOMP_MODE_FILTER = 2  # linux/seccomp.h
_ALLOW, _KILL = 0x7FFF0000, 0x80000000  # SECCOMP_RET_*, linux/seccomp.h
_REFUSE = 0x00050000
_EPERM, _ENOSYS = 1, 38
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # struct seccomp_data
_FIRST_ARGUMENT_AT, _THIRD_ARGUMENT_AT = 16, 32  # lower halves on little-endian machines
_CLONE_THREAD = 0x00010000  # linux/sched.h
_PROT_EXEC = 0x4  # asm-generic/mman-common.h
_X32_BIT = 0x40000000  # asm/unistd.h: a second table of calls on x86-64
_OWN_DESCRIPTORS = 64
"""Beyond the upload's own files."""

_CLONE3 = 435  # on both


@dataclass(frozen=True, slots=True)
class _Machine:
    """Numbers of system calls; `allowed` are those that need no look at their arguments."""

    architecture: int
    clone: int
    mmap: int
    mprotect: int
    allowed: tuple[int, ...]


# asm/unistd_64.h and asm-generic/unistd.h: reading, memory, threads, time.
_MACHINES = {
    "x86_64": _Machine(
        architecture=0xC000003E,  # linux/audit.h
        clone=56,
        mmap=9,
        mprotect=10,
        allowed=(
            *(0, 1, 3, 5, 7, 8, 11, 12, 13, 14, 15, 17, 19, 24, 25, 28, 32, 35, 39, 44, 45, 60),
            *(63, 72, 96, 98, 99, 131, 186, 201, 202, 204, 219, 228, 229, 230, 231, 262, 271),
            *(273, 318, 334),
        ),
    ),
    "aarch64": _Machine(
        architecture=0xC00000B7,
        clone=220,
        mmap=222,
        mprotect=226,
        allowed=(
            *(23, 25, 57, 62, 63, 64, 65, 67, 73, 79, 80, 93, 94, 98, 99, 101, 113, 114, 115),
            *(123, 124, 128, 132, 134, 135, 139, 160, 165, 169, 172, 178, 179, 206, 207, 214),
            *(215, 216, 233, 278, 293),
        ),
    ),
}


def die_with(parent: int) -> None:
    """Ties this process to the life of its parent."""
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def limit_files(files: int) -> None:
    """Bounds the files that can be open at the same time, besides a few of the process's own."""
    _limit(resource.RLIMIT_NOFILE, files + _OWN_DESCRIPTORS)


def limit_resources(*, cpu_seconds: float, memory_bytes: int) -> None:
    """Bounds processor time and address space; files cannot grow at all."""
    _limit(resource.RLIMIT_CPU, math.ceil(cpu_seconds))
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(kind: int, bound: int) -> None:
    _, hard = resource.getrlimit(kind)
    allowed = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
    resource.setrlimit(kind, (allowed, allowed))


def filter_system_calls() -> bool:
    """Refuses every system call that decoding does not need, from now on.

    Returns:
        Whether the filter is in force; False where the kernel or the machine does not offer it.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.byteorder != "little":
        return False
    program = _program(machine)
    instructions = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog, linux/filter.h
    filter_ = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    )
    libc = _libc()
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    in_force: int = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filter_), 0, 0)
    return in_force == 0


def _program(machine: _Machine) -> bytes:
    """The filter as BPF. Jumps count instructions forward, so it is a list of small groups."""

    def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)  # struct sock_filter

    def only_for(number: int, *group: bytes) -> list[bytes]:
        return [instruction(_EQUAL, number, 0, len(group)), *group]

    refuse, allow = instruction(_RETURN, _REFUSE | _EPERM), instruction(_RETURN, _ALLOW)
    parts = [
        instruction(_LOAD, _ARCHITECTURE_AT),
        instruction(_EQUAL, machine.architecture, 1, 0),
        instruction(_RETURN, _KILL),
        instruction(_LOAD, _NUMBER_AT),
        instruction(_AT_LEAST, _X32_BIT, 0, 1),
        instruction(_RETURN, _KILL),
        # Threads, but no processes. The newer call hides its flags behind a pointer; told that it
        # does not exist, the C library falls back to this one.
        *only_for(
            machine.clone,
            instruction(_LOAD, _FIRST_ARGUMENT_AT),
            instruction(_ANY_BIT, _CLONE_THREAD, 0, 1),
            allow,
            refuse,
        ),
        *only_for(_CLONE3, instruction(_RETURN, _REFUSE | _ENOSYS)),
    ]
    for number in (machine.mmap, machine.mprotect):
        parts += only_for(
            number,
            instruction(_LOAD, _THIRD_ARGUMENT_AT),
            instruction(_ANY_BIT, _PROT_EXEC, 1, 0),
            allow,
            refuse,
        )
    for number in machine.allowed:
        parts += only_for(number, allow)
    return b"".join([*parts, refuse])


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
