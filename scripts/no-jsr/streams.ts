/**
 * Stands in for `@std/streams` where JSR is out of reach.
 *
 * @module
 */

/** Turns text in chunks of any size into lines without their ends (LF or CR LF). */
export class TextLineStream extends TransformStream<string, string> {
  constructor() {
    // Joined only when a line ends, so that a line of many chunks is not copied for each.
    let pending: string[] = [];
    super({
      transform(chunk, controller) {
        if (chunk !== "") pending.push(chunk);
        if (!chunk.includes("\n")) return;
        const lines = pending.join("").split(/\r?\n/);
        const last = lines.pop()!;
        pending = last === "" ? [] : [last];
        for (const line of lines) controller.enqueue(line);
      },
      flush(controller) {
        const last = pending.join("");
        if (last !== "") controller.enqueue(last);
      },
    });
  }
}
