"""Whether the API of this container answers. A health check is run often: it imports little."""

import os
import sys
from http.client import HTTPConnection, HTTPException

from .. import PACKAGE


def main() -> None:
    """Exit with the reason if it does not answer; no proxy is asked."""
    port = int(os.environ.get(f"{PACKAGE.upper()}_PORT") or 8000)
    api = HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        api.request("GET", "/livez")
        status = api.getresponse().status
    except (OSError, HTTPException) as error:
        sys.exit(f"The API does not answer at port {port}: {error}")
    sys.exit(status != 200 and f"The API answers {status} to /livez.")  # noqa: PLR2004 - OK


if __name__ == "__main__":
    main()
