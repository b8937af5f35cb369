"""Grading one notebook, so that the student's code never meets the tests: ``engine.grade_notebook``.

Theory of operation. Three kinds of process take part, each trusted no further than it must be:

- The *grader* (this process) holds the source notebook with its hidden tests, and ``solutions``. It runs the tests and
  decides on points; it never runs a line of the student's.
- The *zygote* (``sandbox.zygote``) is started once by the grader, with a clean environment and without secrets. It
  imports torch, numpy, matplotlib and IPython, which takes seconds, and forks itself, which takes milliseconds.
- The *student process* is such a fork, one for each submission, put into a cage (``sandbox.cage``) before it sees the
  notebook: a root file system, process table and network of its own, another user, Landlock rules, a seccomp filter,
  limits. It runs the cells (``student.server``), and for each question it forks itself once more, so that a test's
  crash, hang or change of state is gone with the fork.

Grader and student process share one socket pair, and one more for each test. Over it go messages of plain data
(``wire``); each has limits of size, depth and time that are checked before it is believed or given memory, and nothing
in it is ever executed. A test is ordinary Python: the names it takes from the notebook are looked up in the student
process and arrive as data, or as a *remote* (``remote``) whose calls go back there.

What follows from this:

- The student's code cannot read a test, an expected value, a solution, a score: they are in no memory, file, argument
  or environment variable that it can reach. It sees the arguments it is called with, as any function does.
- It cannot write a score either. The verdict (``questions``) depends on values that come back and on what the tests
  make of them. Whatever else the process says, prints, writes or does to itself is for display, or lost.
- A submission is data (``assemble``): the cells that run are ours with the student's answers put in.
- When the box ends, so does every process in it, and its file system in memory is gone.

Who may write what: the student process its own work folder, /tmp and /dev/shm, all in memory, all gone at the end.
The grader a temporary folder with the files it hands over. Nobody else writes anything.
"""
