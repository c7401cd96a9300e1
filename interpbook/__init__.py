"""interpbook: what deep models really tell us, as a textbook that runs and a small library it stands on."""

__version__ = "0.1.0"
