/**
 * Load that comes and goes: bursts of one to three busy processes, 0.1 to 3 s long, and pauses as long between them. A
 * program of its own, so that it takes no time of the one that measures; it ends when its standard input does.
 */

const BURST_MS = { least: 100, most: 3000 };
const MOST_PROCESSES = 3;
/** Time limit of a burst, so that it does not outlive a load that is killed. */
const LIMIT_S = "5";

let stopped = false;
let wake = () => {};

function pause(): Promise<void> {
  const ms = BURST_MS.least + Math.random() * (BURST_MS.most - BURST_MS.least);
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

async function bursts() {
  while (!stopped) {
    const busy = Array.from(
      { length: 1 + Math.floor(Math.random() * MOST_PROCESSES) },
      () => new Deno.Command("timeout", { args: [LIMIT_S, "sh", "-c", "while :; do :; done"] }).spawn(),
    );
    await pause();
    for (const each of busy) each.kill();
    await Promise.all(busy.map((each) => each.status));
    if (!stopped) await pause();
  }
}

const ended = bursts();
for await (const _bytes of Deno.stdin.readable);
stopped = true;
wake();
await ended;
