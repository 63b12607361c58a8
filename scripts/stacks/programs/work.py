"""Classes, generators, recursion and much of the standard library, for as many ms as asked for."""

import ast
import collections
import csv
import dataclasses
import decimal
import hashlib
import io
import json
import re
import sys
import threading
import time
import zlib


@dataclasses.dataclass
class Row:
    id: int
    name: str
    value: float

    def __lt__(self, other):
        return (self.value, self.id) < (other.value, other.id)


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def permutations(items):
    if len(items) <= 1:
        yield items
        return
    for i, each in enumerate(items):
        for rest in permutations(items[:i] + items[i + 1:]):
            yield [each] + rest


class Counter(ast.NodeVisitor):
    def __init__(self):
        self.seen = collections.Counter()

    def generic_visit(self, node):
        self.seen[type(node).__name__] += 1
        super().generic_visit(node)


SOURCE = open(__file__, encoding="utf-8").read()


def tables(count):
    rows = sorted(Row(i, "row%d" % (i * 7919 % count), i * 37 % 101) for i in range(count))
    by_name = sorted(rows, key=lambda row: row.name)
    out = io.StringIO()
    csv.writer(out).writerows(dataclasses.astuple(row) for row in by_name)
    return len(list(csv.reader(io.StringIO(out.getvalue()))))


def texts(count):
    text = json.dumps({str(i): [i, i * 2.5, "word%d" % (i % 97), {"deep": [None, True]}] for i in range(count)}, indent=1)
    words = collections.Counter(re.findall(r"w(?:o|x)rd(\d+)", text))
    data = zlib.compress(text.encode())
    digest = hashlib.sha256(zlib.decompress(data)).hexdigest()
    return len(words) + len(json.loads(text)) + len(digest) + len(re.sub(r"\d+", lambda m: m[0][::-1], text))


def numbers():
    context = decimal.Context(prec=60)
    total = decimal.Decimal(0)
    for i in range(1, 200):
        total = context.add(total, context.divide(decimal.Decimal(1), decimal.Decimal(i)))
    return total


def round_of_work():
    counter = Counter()
    counter.visit(ast.parse(SOURCE))
    exec(compile(SOURCE.split("SOURCE = ")[0], "again", "exec"), {"__name__": "again"})
    return fib(14) + sum(1 for _ in permutations([1, 2, 3, 4, 5])) + tables(200) + texts(200) + numbers()


def main():
    end = time.monotonic() + int(sys.argv[1] if len(sys.argv) > 1 else "500") / 1000
    total = 0
    while time.monotonic() < end:
        total += round_of_work()
        thread = threading.Thread(target=round_of_work)
        thread.start()
        thread.join()
    print(total)


if __name__ == "__main__":
    main()
