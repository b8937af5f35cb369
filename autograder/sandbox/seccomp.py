"""A seccomp filter: system calls that no homework needs fail with "Operation not permitted".

It is the second wall where namespaces and Landlock are the first, and the only one against the network on hosts that
refuse namespaces. https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno

from autograder.sandbox import libc

_PR_SET_SECCOMP, _FILTER = 22, 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_AF_UNSPEC, _AF_UNIX = 0, 1  # the first is that of no socket
_NAMESPACES = 0x7E020080  # the CLONE_NEW* flags

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_X32_BIT = 0x40000000

# Name: number on x86_64, on aarch64.
_SOCKET, _CLONE, _CLONE3, _MMAP = (41, 198), (56, 220), (435, 435), (9, 222)
_DENIED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "open_by_handle_at": (304, 265),
    "unshare": (272, 97), "setns": (308, 268),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142), "acct": (163, 89),
    "sethostname": (170, 161), "setdomainname": (171, 162), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "syslog": (103, 116), "quotactl": (179, 60),
    # Memory that no limit of a process counts. What multiprocessing shares are files in /dev/shm, which has a size.
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186),
    "semget": (64, 190),
}  # fmt: skip

# BPF instructions: load a word of the system call's data; jump if equal, if any bit set, if not less; return.
_LOAD, _EQUAL, _BITS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _FOURTH_ARGUMENT = 0, 4, 16, 40
_MAP_SHARED, _MAP_ANONYMOUS = 0x01, 0x20


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def is_known() -> bool:
    """Whether there is a filter for this machine's processor."""
    return libc.MACHINE in _ARCHITECTURES


def restrict(unix_sockets: bool) -> None:
    """Put the filter in force for this process and its children. ``no_new_privs`` must be set. Raises ``OSError``.

    Without ``unix_sockets`` there are none either; pairs of them there always are.
    """
    steps = _program(unix_sockets)
    instructions = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    program = _Program(len(steps), instructions)
    libc.prctl_pointer(_PR_SET_SECCOMP, _FILTER, ctypes.cast(ctypes.pointer(program), ctypes.c_void_p))


def _program(unix_sockets: bool) -> list[tuple[int, int, int, int]]:
    architecture, column = _ARCHITECTURES[libc.MACHINE]
    deny, unknown = (_RETURN, 0, 0, _ERRNO | errno.EPERM), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32_BIT),
        deny,
        # The C library falls back to clone, whose flags can be looked at.
        (_EQUAL, 0, 1, _CLONE3[column]),
        unknown,
    ]
    for numbers in _DENIED.values():
        steps += [(_EQUAL, 0, 1, numbers[column]), deny]
    steps += [
        (_EQUAL, 0, 3, _SOCKET[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 1, 0, _AF_UNIX if unix_sockets else _AF_UNSPEC),
        deny,
        (_LOAD, 0, 0, _NUMBER),
        (_EQUAL, 0, 5, _MMAP[column]),
        (_LOAD, 0, 0, _FOURTH_ARGUMENT),
        (_BITS, 0, 2, _MAP_ANONYMOUS),
        (_BITS, 0, 1, _MAP_SHARED),
        deny,
        (_LOAD, 0, 0, _NUMBER),
        (_EQUAL, 0, 3, _CLONE[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_BITS, 0, 1, _NAMESPACES),
        deny,
        (_RETURN, 0, 0, _ALLOW),
    ]
    return steps
