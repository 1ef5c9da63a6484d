"""Answers for very many pictures, without a server: `python -m app classify PATH... --out FILE`."""
