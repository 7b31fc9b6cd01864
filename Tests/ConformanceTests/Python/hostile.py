"""Everything that a peer may do wrong, and what must follow.

    hostile.py PORT PROCESS BRISK_PORT BRISK_PROCESS [CASE…]

The second server has short time limits. Neither may be used by anyone else meanwhile.
"""

import sys

sys.dont_write_bytecode = True

import hostile_calls  # noqa: E402, F401
import hostile_floods  # noqa: E402, F401
import hostile_frames  # noqa: E402, F401
import hostile_headers  # noqa: E402, F401
from hostile_table import Server, cases  # noqa: E402

if __name__ == "__main__":
    port, process, brisk_port, brisk_process = map(int, sys.argv[1:5])
    server = Server(port, process)
    # It sends everyone away soon, the other connection too.
    server.brisk = Server(brisk_port, brisk_process, keeps_witness=False)
    cases.run(server, only=sys.argv[5:])
