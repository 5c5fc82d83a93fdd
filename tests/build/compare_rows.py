"""compare_rows.json: rows of a real quick run of all benchmarks, without those
that no aim and no table is about. The tests ask that each aim finds some there,
so an aim whose benchmark has given its workloads, subjects or metrics other
names is noticed.

Where names are new, or an aim is about other rows, make it anew; it
does not matter how busy the machine is:

  bench/run compare --quick --json rows.json
  tests/build/compare_rows.py rows.json
"""

import importlib
import json
import pathlib
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
PATH = HERE / "compare_rows.json"
FIELDS = ["benchmark", "workload", "subject", "metric", "value", "unit",
          "ratio_to_floor", "floor", "rounds", "spread"]  # fmt: skip


def read():
    return [
        dict(zip(FIELDS, values))
        for values in json.loads(PATH.read_text("utf-8"))
    ]


def needed(rows):
    """What aims and tables are about, and all subjects of the same workload and
    metric: they may be compared with."""
    sys.path.insert(0, str(HERE.parent.parent / "bench/compare"))
    aims, beside, rows_of = map(
        importlib.import_module, ["aims", "beside", "rows"]
    )
    wanted = {
        (row["benchmark"], row["workload"], row["metric"])
        for about in (*aims.AIMS, *beside.LINES)
        for row in rows_of.find(rows, about.benchmark, about.workload,
                                about.subject, about.metric)
    }  # fmt: skip
    return [
        row
        for row in rows
        if (row["benchmark"], row["workload"], row["metric"]) in wanted
    ]


def rounded(value):
    return float(f"{value:.3g}") if isinstance(value, float) else value


def write(rows):
    lines = [
        json.dumps([rounded(row[f]) for f in FIELDS], separators=(",", ":"))
        for row in needed(rows)
    ]
    PATH.write_text("[" + ",\n".join(lines) + "]\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        write(json.load(file)["rows"])
