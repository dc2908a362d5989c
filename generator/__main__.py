"""The way in: an interrupt is heeded while all else still loads."""

import sys


def main() -> int:
    try:
        from generator.cli import app  # noqa: PLC0415 (slow to load)

        return app.main()
    except KeyboardInterrupt:
        print("Interrupted: nothing was left behind.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
