"""Runs Python that nobody has read, and tells whether it passes its tests. Linux and Python alone.

It knows no scorer and no model: code and tests in, a ruling out (`Box.run`). Whatever runs here is
held in by layers, each of which holds on its own:

    room         a file system of its own: Python's library, read-only, and a folder in memory
    namespaces   users, processes, network, IPC, host name: nothing outside has a name
    user         root becomes an ordinary user; no capability is kept, none can be regained
    landlock     no file outside the room, no TCP, no signal beyond
    seccomp      no call that makes namespaces, shared memory, sockets or programs
    limits       memory, processor, processes, files
    session      no terminal; when the program dies, everything in the box dies

Where one of them cannot be had, nothing is run (`refusal`). `inside` is what runs in the box's own
processes: it imports the standard library alone. One of these waits with the interpreter loaded and
forks for every run, which saves its start:

    promptlab -- server -- job --+-- tests       each in namespaces of its own
                                 +-- keeper -- code

Code and tests are two processes that see nothing of each other but values (`inside.wire`): code
can neither read its tests nor say that it passed them.
"""
