/**
 * Hints for users of perf, hyperfine and samply: pmuctl's counterparts of their commands and options, shown where these
 * are unknown here. Loaded only then.
 */

/** Hints for options of other tools, by command and spelling. */
const OPTIONS: Record<string, Record<string, string>> = {
  record: {
    "-s, --stat":
      "samples always name their thread: use 'pmuctl report -s pid,tid'; for counts per thread, 'pmuctl bind -i 1 -- COMMAND'",
    "-j, --branch-filter, -b, --branch-any":
      "branch stacks are not recorded; pmuctl reads those that perf recorded",
    "-G, --cgroup, --all-cgroups":
      "cgroups cannot be selected; record with -a, then use 'pmuctl report --comms NAMES' or '--pid PIDS'",
    "-n, --no-samples": "to count instead of sampling, use 'pmuctl bind -e EVENT -- COMMAND'",
    "-u, --uid": "users cannot be selected; use -p $(pgrep -d, -u USER) for the processes of one",
    "-z, --compression-level":
      "recordings are not compressed; use 'pmuctl record -o - -- COMMAND | zstd >FILE'",
    "-I, --intr-regs, --user-regs": "registers are not recorded",
    "-S, --snapshot": "AUX traces are not recorded; for a flight recorder of samples, use --overwrite",
    "-r, --realtime": "use 'chrt -f PRIORITY pmuctl record ...'",
    "--all-user": "name the event with :u, as in '-e cycles:u'",
    "--all-kernel": "name the event with :k, as in '-e cycles:k'",
    "--off-cpu":
      "time off the CPU is not recorded; '-e sched:sched_switch -g' shows where threads give the CPU away",
    "--per-thread": "samples always name their thread; use -t TIDS to record some threads",
    "--switch-events": "use '-e context-switches' or '-e sched:sched_switch'",
    "--namespaces, --kcore, --aio, --threads, --affinity, --mmap-flush, --no-buffering, --num-thread-synthesize":
      "not needed: see -m and --queue for buffers",
    "--timestamp-filename": "use --switch-output, whose files are named FILE.TIMESTAMP",
    "--rate": "use -F HZ",
    "--user-callchains": "name the event with :u, as in '-e cycles:u -g'",
    "--kernel-callchains": "name the event with :k, as in '-e cycles:k -g'",
    "--exclude-perf":
      "pmuctl's own samples are under its name: use 'pmuctl report --comms NAMES' to show others",
    "--vmlinux, --kallsyms":
      "symbols are looked up later: use 'pmuctl report --vmlinux FILE' or --kallsyms FILE",
    "-f, --force": "not needed: an existing file is replaced",
    "--latency, --setup-filter, --bpf-event, --tail-synthesize, --synth, --dry-run, --event-filter, --buildid-mmap, --debuginfod":
      "not needed",
    "-A, --append": "a file holds one recording; use --switch-output for several",
    "-l, --list-cmds, --running-time, --max-buildid": "not supported",
    "--save-only, --unstable-presymbolicate":
      "not needed: pmuctl record only saves; for profiler.firefox.com, use 'pmuctl report --format firefox -o FILE'",
  },
  report: {
    "--tui, --gtk":
      "there is no interactive view in the terminal; for one in a browser, use 'pmuctl report --format html -o report.html'",
    "--no-children": "not needed: this is the default",
    "-F, --fields": "use -s KEYS to choose the rows, or --json for all fields",
    "--hierarchy": "use -G for a call tree",
    "--max-stack": "call chains are shown whole; use --percent-limit to hide small branches",
    "-D, --dump-raw-trace":
      "records are not dumped; use 'perf script -D' on the same file, or 'pmuctl report --stats' to count them",
    "-I, --show-info, --header-only":
      "not needed: the first lines of the report say where and when it was recorded",
    "-T, --threads": "use -s pid,tid",
    "-t, --field-separator": "use --json for programs",
    "-w, --column-widths": "not needed: columns fit the terminal, and a pipe gets whole names",
    "-U, --hide-unresolved": "frames without a symbol are always shown, so that shares add up",
    "--sort-key": "use -s KEYS",
    "--tasks, --mmaps": "use 'pmuctl report -s comm,pid,tid', or --json",
    "--itrace, --branch-history, -b, --branch-stack, --total-cycles, --mem-mode":
      "branch stacks, AUX traces and memory profiles are not reported",
    "-v, --verbose": "not needed: missing symbols are explained below the report",
    "-q, --quiet": "redirect standard error: 2>/dev/null",
  },
  annotate: {
    "-s, --symbol": "name the function: 'pmuctl annotate SYMBOL'",
    "--stdio, --stdio2, --tui, --gtk, -l, --print-line, -P, --full-paths": "not needed: this is the default",
    "-n, --show-nr-samples, --show-total-period":
      "not needed: samples are always shown, and --json has periods",
    "--percent-type": "shares are of the function's periods; --json has samples and periods",
    "--objdump, --addr2line, --prefix, --prefix-strip":
      "objdump is found by PATH, and source files by their paths",
    "--asm-raw": "not supported",
    "-v, --verbose, -q, --quiet, -m, --modules":
      "not needed: what is missing is explained above the function",
  },
  script: {
    "-D, --dump-raw-trace, --dump-unsorted-raw-trace":
      "records are not dumped; use 'perf script -D' on the same file, or 'pmuctl report --stats' to count them",
    "-s, --script, -g, --gen-script, -l, --list, --dlfilter, --dlarg":
      "scripts are not run: pipe the output, or --json, into a program of yours",
    "-a, --all-cpus": "not needed: samples of all CPUs are printed; -C CPUS chooses",
    "-I, --show-info, --header, --header-only": "use 'pmuctl report', whose first lines say it",
    "--max-stack, --max-blocks": "call chains are printed whole",
    "--itrace, --insn-trace, --call-trace, --xed, --call-ret-trace": "AUX traces are not decoded",
    "--show-task-events, --show-mmap-events, --show-switch-events, --show-lost-events, --show-round-events, --show-namespace-events, --show-cgroup-events, --show-bpf-events, --show-text-poke-events":
      "records that are no samples are not printed; 'pmuctl report --stats' counts them",
    "--inline": "not needed: this is the default",
    "-v, --verbose": "not needed: what is missing is explained on standard error",
  },
  stat: {
    "-p, --pid, -t, --tid":
      "to count in running processes, use 'pmuctl bind -p PID', with -i SEC for a row at each interval",
    "-a, --all-cpus, -C, --cpu, -A, --no-aggr, --per-core, --per-socket, --per-die, --per-node":
      "to count on CPUs, use 'pmuctl bind -a -- COMMAND' or 'pmuctl bind -a -i 1'",
    "-I, --interval-print, --interval-count":
      "to print counts at intervals, use 'pmuctl bind -i SEC -- COMMAND' (seconds, not ms)",
    "-d, --detailed":
      "name the events: '-e cycles,instructions,cache-misses'; 'pmuctl list-events cache' lists them",
    "-M, --metrics, --topdown": "vendor metrics are not computed; name events with -e",
    "-x, --field-separator": "use --csv",
    "-j, --json-output": "use --json",
    "-o": "use --output for the output of the commands, and > for the result",
    "--repeat": "use -r RUNS",
    "--per-thread": "to count in each thread, use 'pmuctl bind -i 1 -- COMMAND'",
    "-n, --null": "not needed: times are always measured",
    "-B, --big-num, --no-big-num, -v, --verbose, --no-scale, --no-csv-summary, --summary":
      "for the counts of one run, as perf stat prints them, use 'pmuctl bind -- COMMAND'",
    "-G, --for-each-cgroup, -b, --bpf-prog, --no-merge, --hybrid-merge, --cputype":
      "cgroups and BPF programs cannot be selected; to count on CPUs, use 'pmuctl bind -a'",
    "--reference, --reference-name": "not needed: those of --vs are compared with the command after --",
    "--sort": "not supported: commands are shown in the order given",
    "--pre": "use --prepare CMD",
    "-m, --min-runs, -M, --max-runs": "use -r RUNS or --min-time SEC",
    "-s, -c": "use --setup CMD, --cleanup CMD",
    "--post": "use --prepare CMD to run a command before each run",
    "-L, --parameter-list": "use --param NAME=VALUE,VALUE",
    "-P, --parameter-scan, --parameter-step-size": "list the values: --param NAME=1,2,3",
    "-N": "not needed: no shell is used unless you give --shell",
    "-S": "use --shell, which is /bin/sh",
    "--export-json": "use --json >FILE",
    "--export-csv": "use --csv >FILE",
    "--export-markdown, --export-asciidoc, --export-orgmode": "use --markdown >FILE",
    "--show-output": "use --output inherit",
    "--command-name": "results are named after the commands",
    "--style, --time-unit, -u": "not needed: the table fits the terminal, and --json has nanoseconds",
  },
  bind: {
    "-I, --interval-print": "use -i SEC",
    "-r, --repeat": "to run a command several times, use 'pmuctl stat -r RUNS -- COMMAND'",
    "-d, --detailed": "name the events: '-e cycles,instructions,cache-misses'",
    "-x, --field-separator, --csv": "use --json",
    "-t": "use --tid TIDS",
    "-v, --verbose, -B, --big-num, --no-big-num, -A, --no-aggr, --per-core, --per-socket, --per-die, --per-node, --per-thread":
      "not needed: counts are shown in full, per CPU with -a and per thread with -i SEC",
    "-M, --metrics, --topdown": "vendor metrics are not computed; name events with -e",
    "-g, --call-graph, -F, --freq": "to sample instead of counting, use 'pmuctl record -g -- COMMAND'",
    "--timeout, --interval-count": "use -i SEC -n COUNT",
    "-j": "use --json",
  },
  diff: {
    "--stdio": "not needed: this is the default",
    "--compute, --baseline-only, -b": "both shares and their change are shown; --json has all numbers",
    "--order": "use --sort ORDER",
    "-s, --sort-key": "use --by KEYS",
  },
};

/** Hints for commands of other tools. */
const COMMANDS: Record<string, string> = {
  hyperfine: "'pmuctl stat -- COMMAND' measures a command, with '--vs CMD' for each other one",
  sched: "'pmuctl record -e sched:sched_switch -g -a' records where threads give the CPU away",
  lock: "'pmuctl record -e lock:contention_begin -g -a' records where threads wait for locks",
  c2c: "'pmuctl record -d -W' records addresses and costs; 'perf c2c report' reads the same file",
  kmem: "'pmuctl record -e kmem:kmalloc -g -a' records where the kernel allocates",
  kvm: "'pmuctl record -a -e cycles' samples hosts; guests are one object in the report",
  timechart: "'pmuctl report --format html -o FILE' has a timeline",
  ftrace: "functions are not traced; 'pmuctl record -g -e cycles:k' samples the kernel",
  probe: "probes cannot be created; 'pmuctl record -e probe:NAME' records those that 'perf probe' made",
  evlist: "'pmuctl report' names the events of a file in its first lines",
  test: "'pmuctl info' shows what can be measured here",
  "buildid-list": "'perf buildid-list' reads the same file",
  "buildid-cache": "not needed: 'pmuctl record' copies programs that will be gone later; see its -N",
  top: "'pmuctl record -a -g --duration 5 && pmuctl report' shows what runs now",
  mem: "'pmuctl record -d -W' records addresses and costs; 'perf mem report' reads the same file",
  trace: "'pmuctl record -e raw_syscalls:sys_enter -a' records system calls",
  bench: "'pmuctl stat -- COMMAND' measures a command",
  archive: "'pmuctl bundle -o FILE' adds all names to a recording, for another machine",
  inject: "not needed: 'pmuctl report' reads jitdumps and build ids itself",
  buildid: "'readelf -n FILE' shows a build id",
  load: "'pmuctl report --format firefox -o FILE' writes a file for profiler.firefox.com",
  monitor: "NetBSD's 'tprof monitor' is 'pmuctl record -a -- COMMAND'",
  count: "NetBSD's 'tprof count' is 'pmuctl bind -i 1 -a'",
  cpustat: "'pmuctl bind -i 1 -a' is cpustat",
  cputrack: "'pmuctl bind -i 1 -f -e EVENTS -- COMMAND' is cputrack",
};

/**
 * Returns pmuctl's counterpart of another tool's option, as it was `written` (`-j`, `--stdio`); undefined when there is
 * none.
 */
export function foreignOption(command: string, written: string): string | undefined {
  for (const [names, hint] of Object.entries(OPTIONS[command] ?? {})) {
    if (names.split(", ").includes(written)) return hint;
  }
  return undefined;
}

/** Returns pmuctl's counterpart of another tool's command; undefined when there is none. */
export function foreignCommand(name: string): string | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}
