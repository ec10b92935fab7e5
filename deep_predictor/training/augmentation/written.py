"""How ranges, sizes and colours stand in an entry, and what they may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

#: What stands where a picture was moved away: its mirror image, its outermost pixels, or nothing.
Border = Literal["reflect", "edge", "black"]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _got(value: Any) -> str:
    """Lists are not shown by the config's own messages."""
    return f" (got {value})" if isinstance(value, list | tuple) else ""


def _between(low: float, high: float) -> BeforeValidator:
    """A number, or [low, high], within these."""

    def read(value: Any) -> Any:
        pair = list(value) if isinstance(value, list | tuple) else [value, value]
        if len(pair) != 2 or not all(_is_number(number) for number in pair):
            raise ValueError(f"must be a number, or two: [low, high]{_got(value)}")
        if not low <= pair[0] <= pair[1] <= high:
            raise ValueError(f"must be [low, high] with {low:g} <= low <= high <= {high:g}{_got(value)}")
        return pair

    return BeforeValidator(read)


def _pair_of(what: str, is_right: Callable[[Any], bool]) -> BeforeValidator:
    """One value for both, or [for the width, for the height]."""

    def read(value: Any) -> Any:
        pair = list(value) if isinstance(value, list | tuple) else [value, value]
        if len(pair) != 2 or not all(is_right(side) for side in pair):
            raise ValueError(f"must be {what}, or [width, height] of them{_got(value)}")
        return pair

    return BeforeValidator(read)


def _color(value: Any) -> Any:
    parts = list(value) if isinstance(value, list | tuple) else [value] * 3
    are_bytes = all(isinstance(part, int) and not isinstance(part, bool) and 0 <= part <= 255 for part in parts)
    if len(parts) != 3 or not are_bytes:
        raise ValueError(f"must be an integer of 0..255, or [red, green, blue] of them{_got(value)}")
    return parts


def _fill(value: Any) -> Any:
    if isinstance(value, str) and value != "noise":
        raise ValueError("must be 'noise' or a colour")
    return value if value == "noise" else _color(value)


_Range = tuple[float, float]
#: 1 leaves the picture as it is.
Factors = Annotated[_Range, _between(0, 10)]
Gammas = Annotated[_Range, _between(0.05, 20)]
#: Pixels.
Sigmas = Annotated[_Range, _between(0, 100)]
#: Degrees.
Angles = Annotated[_Range, _between(-360, 360)]
ScaleRange = Annotated[_Range, _between(0.05, 20)]
#: Share of a side or of an area.
Shares = Annotated[_Range, _between(0, 1)]
#: Of which something must be left.
SharesOfSide = Annotated[_Range, _between(0.01, 1)]
#: Height / width.
Aspects = Annotated[_Range, _between(0.01, 100)]
#: (for the width, for the height): an integer is pixels, a number with a point is a share of the picture's side.
WindowSize = Annotated[
    tuple[int | float, int | float],
    _pair_of(
        "pixels (an integer >= 1) or a share of the side (a number with a point, 0 < share <= 1)",
        lambda side: _is_number(side) and (side >= 1 if isinstance(side, int) else 0 < side <= 1),
    ),
]
Color = Annotated[tuple[int, int, int], BeforeValidator(_color)]
#: `noise`: each value is random.
Fill = Annotated[Literal["noise"] | tuple[int, int, int], BeforeValidator(_fill)]
