/**
 * Stands in for `@std/streams` where JSR is out of reach.
 *
 * @module
 */

/** The text of a whole stream; bytes are UTF-8. */
export async function toText(stream: ReadableStream<string> | ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream as ReadableStream<string | Uint8Array>) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The bytes of a whole stream. */
export function toBytes(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).bytes();
}

/** The bytes of a whole stream, in a buffer of their own. */
export function toArrayBuffer(readableStream: ReadableStream<Uint8Array>): Promise<ArrayBuffer> {
  return new Response(readableStream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer();
}

/** The chunks of several streams as they come; it ends when all have, and fails when one does. */
export function mergeReadableStreams<T>(...streams: ReadableStream<T>[]): ReadableStream<T> {
  return new ReadableStream<T>({
    async start(controller) {
      try {
        await Promise.all(streams.map(async (stream) => {
          for await (const chunk of stream) controller.enqueue(chunk);
        }));
        controller.close();
      } catch (error) {
        controller.error(error);
      }
    },
  });
}

/** How `TextLineStream` takes lines apart. */
export interface TextLineStreamOptions {
  /** Takes a lone CR for the end of a line, too. */
  allowCR?: boolean;
}

/** Turns text in chunks of any size into lines without their ends (LF or CR LF). */
export class TextLineStream extends TransformStream<string, string> {
  constructor(options: TextLineStreamOptions = {}) {
    const { allowCR = false } = options;
    // A CR at the very end may be the first half of a CR LF, so it waits for the next chunk.
    const lineEnd = allowCR ? /\r\n|\n|\r(?!$)/ : /\r?\n/;
    const mayEnd = allowCR ? /[\r\n]/ : /\n/;
    // Joined only when a line may end, so that a line of many chunks is not copied for each.
    let pending: string[] = [];
    super({
      transform(chunk, controller) {
        const completes = mayEnd.test(chunk) || allowCR && pending.at(-1)?.endsWith("\r");
        if (chunk !== "") pending.push(chunk);
        if (!completes) return;
        const lines = pending.join("").split(lineEnd);
        const last = lines.pop()!;
        pending = last === "" ? [] : [last];
        for (const line of lines) controller.enqueue(line);
      },
      flush(controller) {
        const last = pending.join("");
        if (last !== "") controller.enqueue(allowCR && last.endsWith("\r") ? last.slice(0, -1) : last);
      },
    });
  }
}

/** Where `TextDelimiterStream` leaves the delimiter. */
export type DelimiterDisposition = "suffix" | "prefix" | "discard";

/** How `TextDelimiterStream` treats the delimiter. */
export interface DelimiterStreamOptions {
  /** At the end of the part before it, at the beginning of the part behind it, or nowhere (the default). */
  disposition?: DelimiterDisposition;
}

/** Turns text in chunks of any size into the parts between delimiters; the last part comes even when empty. */
export class TextDelimiterStream extends TransformStream<string, string> {
  constructor(delimiter: string, options: DelimiterStreamOptions = {}) {
    const { disposition = "discard" } = options;
    let pending = "";
    // What is known to hold no delimiter's beginning is not searched again.
    let searched = 0;
    super({
      transform(chunk, controller) {
        pending += chunk;
        let at: number;
        while ((at = pending.indexOf(delimiter, searched)) >= 0) {
          const behind = at + delimiter.length;
          controller.enqueue(pending.slice(0, disposition === "suffix" ? behind : at));
          pending = pending.slice(disposition === "prefix" ? at : behind);
          searched = disposition === "prefix" ? delimiter.length : 0;
        }
        searched = Math.max(searched, pending.length - delimiter.length + 1);
      },
      flush(controller) {
        controller.enqueue(pending);
      },
    });
  }
}
