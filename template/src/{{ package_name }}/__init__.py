from importlib.metadata import metadata

PACKAGE = __name__
ABOUT = metadata(PACKAGE)
