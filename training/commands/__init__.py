"""One file per command of `python -m training`; each adds its own parser."""
