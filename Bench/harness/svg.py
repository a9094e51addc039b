"""Plots as SVG text: bars of ratios, and curves over a logarithmic axis. No library."""

import math
from xml.sax.saxutils import escape

COLOURS = ["#1b6ca8", "#d1495b", "#66a182", "#8d6a9f", "#edae49", "#555555"]
WIDTH = 760
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 46, 48


def bars(title, rows):
    """A horizontal bar for the ratio of each row, a line for its spread and a mark for its reach."""
    height = TOP + 20 * len(rows) + 30
    left, right = 190, 60
    limit = max(max(row["spread"][1], row["reach"]) for row in rows) * 1.05

    def at(value):
        return left + (WIDTH - left - right) * value / limit

    parts = [_text(WIDTH / 2, 22, title, "middle", 15)]
    for tick in _linear_ticks(limit):
        parts.append(_line(at(tick), TOP - 6, at(tick), height - 26, "#dddddd"))
        parts.append(_text(at(tick), height - 12, f"{tick:g}", "middle"))
    for index, row in enumerate(rows):
        y = TOP + 20 * index
        colour = COLOURS[2] if row["reached"] else COLOURS[1]
        low, high = row["spread"]
        parts += [
            _text(left - 8, y + 11, row["name"], "end"),
            f'<rect x="{left}" y="{y + 1}" width="{at(row["ratio"]) - left:.1f}" height="13" '
            f'fill="{colour}"/>',
            _line(at(low), y + 7.5, at(high), y + 7.5, "#222222"),
            _text(WIDTH - right + 6, y + 11, f"{row['ratio']:.2f}", "start"),
        ]
        # Of some rows nothing is asked.
        if row["reach"]:
            parts.append(_line(at(row["reach"]), y - 2, at(row["reach"]), y + 17, "#000000", 2.5))
    return _document(height, parts)


def curves(title, x_name, y_name, xs, series):
    """A curve for each of `series` (name: values at `xs`) over a logarithmic x axis."""
    height = 360
    top_value = max(value for values in series.values() for value in values) * 1.1
    low, high = math.log2(xs[0]), math.log2(xs[-1])

    def x_at(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log2(value) - low) / (high - low)

    def y_at(value):
        return height - BOTTOM - (height - TOP - BOTTOM) * value / top_value

    parts = [_text(WIDTH / 2, 22, title, "middle", 15)]
    for tick in _linear_ticks(top_value):
        parts.append(_line(LEFT, y_at(tick), WIDTH - RIGHT, y_at(tick), "#dddddd"))
        parts.append(_text(LEFT - 8, y_at(tick) + 4, f"{tick:g}", "end"))
    for value in xs:
        parts.append(_text(x_at(value), height - BOTTOM + 18, _short(value), "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, height - 10, x_name, "middle"))
    parts.append(_text(8, TOP - 12, y_name, "start"))
    for index, (name, values) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        points = [(x_at(x), y_at(y)) for x, y in zip(xs, values)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(f'<rect x="{WIDTH - RIGHT + 12}" y="{TOP + 20 * index}" width="12" height="12" '
                     f'fill="{colour}"/>')
        parts.append(_text(WIDTH - RIGHT + 30, TOP + 10 + 20 * index, name, "start"))
    return _document(height, parts)


def _short(value):
    for size, letter in ((1 << 20, "M"), (1 << 10, "K")):
        if value >= size and value % size == 0:
            return f"{value // size}{letter}"
    return str(value)


def _linear_ticks(limit):
    step = 10 ** math.floor(math.log10(limit))
    for factor in (0.1, 0.2, 0.25, 0.5, 1, 2):
        if limit / (step * factor) <= 8:
            step *= factor
            break
    return [round(step * index, 6) for index in range(int(limit / step) + 1)]


def _line(x1, y1, x2, y2, colour, width=1.0):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"/>')


def _text(x, y, text, anchor, size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def _document(height, parts):
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" font-family="sans-serif" fill="#222222">')
    back = f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, back, *parts, "</svg>"]) + "\n"
