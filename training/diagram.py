"""The network drawn as SVG: a box a block, its shortcut beside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from training.outline import Block

WIDTH, BOX, LEFT = 400, 236, 24
HEIGHT, GAP, TOP = 44, 34, 76

STYLE = """
  .box { fill: #fff; stroke: #445; stroke-width: 1.2 }
  .stage2 { fill: #e3edfb } .stage3 { fill: #cfe8dc } .stage4 { fill: #fbeecb } .stage5 { fill: #f8dcd6 }
  text { font: 13px system-ui, sans-serif; fill: #1c1d26 }
  .in { fill: #1c1d26 } .faint { fill: #5b5e70; font-size: 11px } .title { font-size: 17px; font-weight: 600 }
  .flow, .shortcut { fill: none; stroke: #445; stroke-width: 1.4; marker-end: url(#tip) }
  .shortcut { stroke: #b3400f; stroke-width: 2; marker-end: url(#end) }
  .tip { fill: #445 } .end { fill: #b3400f } .paper { fill: #fff }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #14151c } text { fill: #e8e9f0 } .faint { fill: #a5a8ba }
    .flow { stroke: #a5a8ba } .tip { fill: #a5a8ba } .shortcut { stroke: #ff9a6b } .end { fill: #ff9a6b }
    .box text, .in { fill: #1c1d26 } .in.faint { fill: #444757 }
  }
"""


def diagram(title: str, blocks: Sequence[Block]) -> str:
    """A self-contained SVG, light or dark as its reader prefers, 400 units wide.

    A shortcut is a line around its block; a box on it says that it projects to another shape.
    """
    height = TOP + len(blocks) * (HEIGHT + GAP) + 20
    drawn = "\n".join(_block(block, TOP + place * (HEIGHT + GAP)) for place, block in enumerate(blocks))
    box = f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {box}>
<style>{STYLE}</style>
<defs>{_arrow_head("tip")}{_arrow_head("end")}</defs>
<rect class="paper" width="{WIDTH}" height="{height}"/>
<text class="title" x="{LEFT}" y="30">{escape(title)}</text>
{drawn}
</svg>
"""


def _arrow_head(name: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto" markerUnits="userSpaceOnUse"><path class="{name}" d="M0 0L8 4L0 8z"/></marker>'
    )


def _block(block: Block, top: float) -> str:
    """The arrow into a block, the block, and the way around it."""
    middle = LEFT + BOX / 2
    stage = f" stage{block.name[0]}" if block.convolutions and block.name[0].isdigit() else ""
    output = " x ".join(map(str, block.output))
    return "\n".join(
        (
            f'<path class="flow" d="M{middle} {top - GAP}V{top}"/>',
            f'<rect class="box{stage}" x="{LEFT}" y="{top}" width="{BOX}" height="{HEIGHT}" rx="7"/>',
            f'<text class="in" x="{LEFT + 12}" y="{top + 18}">{escape(_caption(block))}</text>',
            f'<text class="in faint" x="{LEFT + 12}" y="{top + 35}">{escape(_details(block))}</text>',
            f'<text class="faint" x="{middle - 8}" y="{top + HEIGHT + 20}" text-anchor="end">{output}</text>',
            *_shortcut(block, top),
        )
    )


def _caption(block: Block) -> str:
    stride = f", stride {block.stride}" if block.stride > 1 else ""
    kind = {"identity": "identity block ", "projection": "convolutional block ", None: ""}[block.shortcut]
    plain = "plain block " if not kind and len(block.convolutions) > 1 else ""
    return f"{kind or plain}{block.name}{stride}"


def _details(block: Block) -> str:
    kernels = [f"{size}x{size}, {filters}" for size, filters in block.convolutions]
    return " - ".join(kernels) or (
        f"{block.parameters:,} parameters" if block.parameters else "no parameters"
    )


def _shortcut(block: Block, top: float) -> list[str]:
    if block.shortcut is None:
        return []
    middle, out = LEFT + BOX / 2, LEFT + BOX + 28
    start, end = top - 11, top + HEIGHT + 10
    lines = [f'<path class="shortcut" d="M{middle} {start}H{out}V{end}H{middle + 2}"/>']
    if block.shortcut == "projection":
        label = f"1x1, {block.output[-1]}"
        lines += [
            f'<rect class="box" x="{out - 14}" y="{top + 9}" width="96" height="26" rx="6"/>',
            f'<text class="in" x="{out - 2}" y="{top + 27}">{label}</text>',
        ]
    return lines
