#!/usr/local/bin/python -IS
"""Whether the process of this container is ready: `healthcheck PORT` asks its /readyz.

Exit code 0 when it answers 200. By a name that the service answers to, where
WALKPRINT_ALLOWED_HOSTS says which those are.
"""

import http.client
import os
import sys

_TIMEOUT_SECONDS = 4.0


def main() -> int:
    """Asks once."""
    name = os.environ.get("WALKPRINT_ALLOWED_HOSTS", "").split(",")[0].strip() or "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz", headers={"Host": name})
        answer = connection.getresponse()
    except OSError as unreachable:
        sys.stdout.write(f"no answer: {unreachable}\n")
        return 1
    # Docker keeps the last of what a check said, beside its result.
    sys.stdout.write(answer.read(500).decode(errors="replace") + "\n")
    return 0 if answer.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
