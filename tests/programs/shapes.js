// Functions, classes, closures and what V8 has built in, for as many ms as asked for: code that is made as it runs.
function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

class Grid {
  constructor(size) {
    this.cells = Array.from({ length: size }, (_, i) => ({ i, value: i * 7919 % 1000 }));
  }

  sorted() {
    return [...this.cells].sort((a, b) => a.value - b.value);
  }

  words() {
    return this.cells.map(({ value }) => `key${value}`).filter((word) => /e+y\d*7$/.test(word));
  }
}

const end = Date.now() + Number(process.argv[2] ?? 500);
const grid = new Grid(2000);
let sum = 0;
while (Date.now() < end) {
  sum += fib(18) + grid.sorted().length + grid.words().length;
  sum += JSON.parse(JSON.stringify(grid.cells)).length;
}
console.log(sum);
