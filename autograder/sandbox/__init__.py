"""A box for untrusted Python on Linux. It knows no notebook, no torch and no course.

Theory of operation. The *zygote* is a process that has imported what the code in boxes needs, which takes seconds. It
is told which module to warm up and to serve (``service``). It runs no untrusted code, and forks itself, which takes
milliseconds: for each box a *keeper*, which leaves the host's namespaces, and from that the boxed process, which is put
into the cage before it serves anybody. Whoever started it talks with it over a socket pair.

For the trusted side:

``box``       ``Zygote`` and ``Box``, the handles on these processes
``limits``    ``Policy``: how a box is isolated, and what may be used in it
``channel``   messages over a socket pair, with limits and deadlines; ``messages`` says what they are
``doctor``    which isolation this host gives

Inside:

``zygote``    the process that forks boxes, started by ``__main__``
``keeper``    the parent of a boxed process
``service``   what runs in boxes: the interface that a served module has
``cage``      the layers of isolation: ``landlock``, ``seccomp``, ``cgroup`` and, below them, ``libc``
``probe``     a service that runs any code, with which the doctor looks whether the walls hold
"""
