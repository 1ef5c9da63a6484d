"""What a network is trained in."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Precision = Literal["auto", "float32", "mixed_bfloat16"]

COMPUTES_IN_BFLOAT16 = {"avx512_bf16", "amx_bf16"}
"""Flags of CPUs that need not imitate bfloat16, which would cost more than it saves."""

CPU = Path("/proc/cpuinfo")


def dtype_policy(precision: Precision, cpu: Path = CPU) -> str:
    """Keras's name of a recipe's precision; `auto` is what this machine's CPU trains fastest in."""
    if precision != "auto":
        return precision
    flags = set(cpu.read_text(encoding="utf-8").split()) if cpu.exists() else set()
    return "mixed_bfloat16" if flags & COMPUTES_IN_BFLOAT16 else "float32"
