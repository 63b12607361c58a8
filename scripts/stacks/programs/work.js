// Classes, closures, promises, timers, JSON, regular expressions, zlib, crypto and a worker, for as many ms as asked for.
const { Worker, isMainThread, workerData } = require("node:worker_threads");
const { createHash } = require("node:crypto");
const { gunzipSync, gzip } = require("node:zlib");
const { promisify } = require("node:util");

function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

function fall(level) {
  if (level === 0) throw new Error("down");
  return fall(level - 1) + 1;
}

class Grid {
  constructor(size) {
    this.cells = Array.from(
      { length: size },
      (_, i) => ({ i, value: i * 7919 % 1000, tags: new Set([i % 7]) }),
    );
  }

  sorted() {
    return [...this.cells].sort((a, b) => a.value - b.value || a.i - b.i);
  }

  words() {
    return this.cells.map(({ value }) => `key${value}`).filter((word) => /e+y\d*7$/.test(word));
  }
}

async function roundOfWork() {
  const grid = new Grid(500);
  let sum = fib(16) + grid.sorted().length + grid.words().length;
  const text = JSON.stringify(grid.cells);
  sum += JSON.parse(text).length + text.replace(/\d+/g, (number) => [...number].reverse().join("")).length;
  const packed = await promisify(gzip)(text);
  sum += gunzipSync(packed).length + createHash("sha256").update(packed).digest("hex").length;
  for (let i = 0; i < 20; i++) {
    try {
      sum += fall(i);
    } catch (error) {
      sum += error.message.length;
    }
  }
  return sum;
}

async function main(ms) {
  const end = Date.now() + ms;
  let sum = 0;
  while (Date.now() < end) {
    sum += await roundOfWork();
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(sum);
}

const ms = isMainThread ? Number(process.argv[2] ?? 500) : workerData;
if (isMainThread) new Worker(__filename, { workerData: ms });
main(ms);
