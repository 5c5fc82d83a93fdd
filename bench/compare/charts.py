"""Charts as HTML and SVG that need nothing but the page's style: bars with their
spread, and lines over a logarithmic axis. Colours are the style's, so a chart
follows the reader's light or dark."""

import html
import math

# The style has so many colours for series. A subject has the same one in every
# chart.
COLOURS = 8
TICKS_APART = 34
COLOUR_OF = {
    "liburing": 0, "floor": 0, "eddy": 1, "epoll": 2, "heap": 2,
    "asio-epoll": 3, "multimap": 3, "asio": 4, "asio-uring": 4,
    "libuv": 5, "go": 6, "threads": 7,
}  # fmt: skip


def escape(text):
    return html.escape(str(text))


def number(value):
    """As few digits as say something."""
    if value is None:
        return "–"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 1:
        return f"{value:.2f}"
    if size >= 0.1:
        return f"{value:.3f}"
    return f"{value:.3g}"


def short(value):
    """For an axis: 10k, 1M, 0.1."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:g}"


def with_unit(value, unit):
    unit = "" if unit in ("1", "") else unit
    if unit == "1/s":
        return number(value) + "/s"
    return f"{number(value)} {unit}".strip()


def kind(subject):
    """The style of a bar: ours, what is hand-written, or a peer."""
    if subject.startswith(("eddy", "kv_server")) or subject == "load":
        return "ours"
    if subject.startswith(("liburing", "floor", "msg-ring", "eventfd", "atomic",
                           "heap", "multimap", "epoll", "pread", "posix",
                           "canned")):
        return "floor"
    return "peer"


def ratio_of(row):
    ratio = row.get("ratio_to_floor")
    if ratio is None or row["subject"] == row.get("floor"):
        return ""
    return (f"{ratio:.2f}" if ratio < 100 else number(ratio)) + "×"


def bars(title, rows, better):
    """One panel: a bar for each row, which is a subject. `better` says which way
    is good: "more" or "less"."""
    rows = [row for row in rows if row["value"] is not None]
    if not rows:
        return ""
    ends = [row["value"] * (1 + (row["spread"] or 0) / 2) for row in rows]
    most = max(ends) or 1
    ratios = any(ratio_of(row) for row in rows)
    lines = []
    for row in rows:
        value, spread = row["value"], row["spread"] or 0
        width = 100 * value / most
        low = max(0, value * (1 - spread / 2)) / most * 100
        high = value * (1 + spread / 2) / most * 100
        beside = f"<small>{ratio_of(row)}</small>" if ratios else ""
        whisker = ""
        if row["rounds"] and row["rounds"] > 1 and high - low > 0.3:
            whisker = (
                f'<b style="left:{low:.2f}%;width:{high - low:.2f}%"></b>'
            )
        rounds = (
            "one round"
            if row["rounds"] == 1
            else f"spread {100 * spread:.0f} %, {row['rounds']} rounds"
        )
        about = f"{row['subject']}: {with_unit(value, row['unit'])}, {rounds}"
        lines.append(
            f'<div class="bar {kind(row["subject"])}" title="{escape(about)}">'
            f'<span class="who">{escape(row["subject"])}</span>'
            f'<span class="track"><i style="width:{width:.2f}%"></i>{whisker}'
            f"</span>"
            f'<span class="much">{escape(with_unit(value, row["unit"]))}'
            f"{beside}</span></div>"
        )
    return (
        f'<figure class="bars"><figcaption>{escape(title)} '
        f'<em>{"more" if better == "more" else "less"} is better</em>'
        f'</figcaption>{"".join(lines)}</figure>'
    )


def powers(low, high):
    """The ticks of a logarithmic axis: powers of ten, with 2 and 5 if these are
    few."""
    first = math.floor(math.log10(low))
    last = math.ceil(math.log10(high))
    ticks = [10.0**e for e in range(first, last + 1)]
    if sum(low <= t <= high for t in ticks) < 3:
        ticks = [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 5)]
    return [t for t in ticks if low / 1.0001 <= t <= high * 1.0001]


def colours(names):
    """{name: number}: their own, or one that is free."""
    taken = {name: COLOUR_OF[name] for name in names if name in COLOUR_OF}
    free = [c for c in range(COLOURS) if c not in taken.values()] or [0]
    for name in names:
        if name not in taken:
            taken[name] = free[len(taken) % len(free)]
    return taken


class Axis:
    """Values to places; logarithmic, or from zero on."""

    def __init__(self, values, begin, end, log):
        self.begin, self.end, self.log = begin, end, log
        if log:
            low, high = min(values), max(values)
            if low == high:
                low, high = low / 2, high * 2
            # Some air, and a whole tick at each end.
            self.low, self.high = low / 1.15, high * 1.15
            self.ticks = powers(self.low, self.high)
        else:
            self.low, self.high = 0.0, max(values) * 1.05 or 1.0
            step = 10 ** math.floor(math.log10(self.high))
            while self.high / step < 4:
                step /= 2
            self.ticks = [
                i * step for i in range(int(self.high / step + 0.001) + 1)
            ]

    def place(self, value):
        if self.log:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.begin + part * (self.end - self.begin)


def mark(shape, x, y):
    """A series is known by its mark, too, not only by its colour."""
    r = 4
    if shape % 4 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>'
    if shape % 4 == 1:
        return (
            f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" '
            f'height="{2 * r}"/>'
        )
    if shape % 4 == 2:
        return f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z"/>'
    return f'<path d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z"/>'


def svg(width, height, series, x_title, y_title, log_x, log_y):
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points if y > 0]
    left, right, top, bottom = 58, 14, 24, 42
    across = Axis(xs, left, width - right, log_x)
    up = Axis(ys, height - bottom, top, log_y)
    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(y_title)} by {escape(x_title)}">'
    ]
    for tick in up.ticks:
        y = up.place(tick)
        parts.append(
            f'<path class="grid" d="M{left} {y:.1f}H{width - right}"/>'
            f'<text x="{left - 6}" y="{y + 4:.1f}" class="end">{short(tick)}'
            f"</text>"
        )
    # What was measured is what the axis says, as far as there is room.
    last = -1e9
    for tick in sorted(set(xs)):
        x = across.place(tick)
        if x - last < TICKS_APART:
            continue
        last = x
        parts.append(
            f'<path class="grid" d="M{x:.1f} {top}V{height - bottom}"/>'
            f'<text x="{x:.1f}" y="{height - bottom + 17}" class="middle">'
            f"{short(tick)}</text>"
        )
    parts.append(
        f'<text x="{left - 50}" y="13" class="title">{escape(y_title)}</text>'
        f'<text x="{width - right}" y="{height - 6}" class="end title">'
        f"{escape(x_title)}</text>"
    )
    # Ours last, on top.
    colour = colours(series)
    for name in sorted(series, key=lambda name: kind(name) == "ours"):
        index, points = colour[name], series[name]
        places = [
            (across.place(x), up.place(y)) for x, y in sorted(points) if y > 0
        ]
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        ours = " ours" if kind(name) == "ours" else ""
        parts.append(
            f'<g class="s{index}{ours}"><path class="line" '
            f'd="M{line}"/>{"".join(mark(index, x, y) for x, y in places)}</g>'
        )
    parts.append("</svg>")
    return "".join(parts)


def lines(title, series, x_title, y_title, log_x=True, log_y=True):
    """A panel of lines. `series` is {name: [(x, y), ...]}. Drawn twice, for wide and for narrow pages, so that letters keep their
    size."""
    series = {name: points for name, points in series.items() if points}
    if not any(y > 0 for points in series.values() for _, y in points):
        return ""
    colour = colours(series)
    legend = "".join(
        f'<li class="s{i}"><svg viewBox="0 0 22 12">'
        f'<path class="line" d="M0 6H22"/>{mark(i, 11, 6)}</svg>'
        f"{escape(name)}</li>"
        for name in series
        for i in [colour[name]]
    )
    wide = svg(620, 330, series, x_title, y_title, log_x, log_y)
    narrow = svg(330, 280, series, x_title, y_title, log_x, log_y)
    return (
        f'<figure class="lines"><figcaption>{escape(title)}</figcaption>'
        f'<ul class="legend">{legend}</ul>'
        f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'
        f"</figure>"
    )
