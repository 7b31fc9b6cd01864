"""Everything that a peer may do wrong, and what must follow.

    hostile.py [NAME=PORT,PROCESS[,AUTHORITY]…] [CASE…]

The servers under attack, by what is special about them: `plain` has the usual limits, `tls` too, and
is trusted by the authority; each other has one short time, and its name says which. Nobody else may
use them meanwhile.
"""

import sys

sys.dont_write_bytecode = True

import hostile_calls  # noqa: E402, F401
import hostile_floods  # noqa: E402, F401
import hostile_frames  # noqa: E402, F401
import hostile_headers  # noqa: E402, F401
import hostile_tls  # noqa: E402, F401
from hostile_table import Server, cases  # noqa: E402

if __name__ == "__main__":
    servers = {}
    for argument in (each for each in sys.argv[1:] if "=" in each):
        name, place = argument.split("=")
        port, process, *authority = place.split(",")
        # A short time may be what sends the other connection away.
        servers[name] = Server(
            int(port), int(process), *authority, keeps_witness=name in ("plain", "tls"))
    cases.run(servers, only=[each for each in sys.argv[1:] if "=" not in each])
