/** Decides how often to sample: by what the user asked for and the machine allows. */

import { UsageError } from "../../base/system/errors.ts";
import { procField } from "../../base/text/proc_text.ts";
import type { ReadText } from "../host/procfs.ts";
import { DEFAULT_FREQ } from "./sampling.ts";

/** Sampling rate, within the kernel's limit. */
export interface Rate {
  /** Samples a second; undefined where none was asked for. */
  freq?: number;
  /** Samples a second where none are asked for. */
  defaultFreq: number;
  /** Line that says what is not as asked, or what `max` came to. */
  note?: string;
}

/**
 * Parses `-F TEXT`: samples a second, or `max`. A rate above the kernel's `limit` (kernel.perf_event_max_sample_rate;
 * undefined when unknown), which the kernel would refuse, becomes that limit. Throws UsageError.
 */
export function parseRate(text: string | undefined, limit: number | undefined): Rate {
  const defaultFreq = Math.min(DEFAULT_FREQ, limit ?? DEFAULT_FREQ);
  const limited = `kernel.perf_event_max_sample_rate is ${limit}: sampling at ${limit} Hz`;
  if (text === "max") {
    if (limit === undefined) {
      throw new UsageError("-F max: kernel.perf_event_max_sample_rate cannot be read: give a number");
    }
    return { freq: limit, defaultFreq, note: limited };
  }
  if (text === undefined) {
    return defaultFreq < DEFAULT_FREQ
      ? { defaultFreq, note: `${limited} rather than ${DEFAULT_FREQ}` }
      : { defaultFreq };
  }
  const freq = /^\d+$/.test(text) ? Number(text) : 0;
  if (freq < 1) throw new UsageError(`--freq '${text}': expected samples a second, 1 or more, or max`);
  if (limit === undefined || freq <= limit) return { freq, defaultFreq };
  return { freq: limit, defaultFreq, note: `${limited} rather than ${freq}` };
}

/**
 * Returns how many cycles a CPU makes in a second: the frequency it is rated for, else the one it runs at; undefined when
 * neither is known.
 */
export function cyclesPerSecond(text: ReadText): number | undefined {
  const cpufreq = "/sys/devices/system/cpu/cpu0/cpufreq";
  for (const file of ["base_frequency", "cpuinfo_max_freq"]) { // in kHz
    const kHz = Number(text(`${cpufreq}/${file}`)?.trim());
    if (kHz > 0) return kHz * 1000;
  }
  const mHz = parseFloat(procField(text("/proc/cpuinfo") ?? "", "cpu MHz") ?? "");
  return mHz > 0 ? mHz * 1e6 : undefined;
}
