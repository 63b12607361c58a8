/**
 * What fingers know from perf, hyperfine and samply, and what pmuctl calls it: shown where a command or an option is
 * not known here. Loaded only then.
 */

/** Words for an option that another tool has, by command and by how it is written. */
const OPTIONS: Record<string, Record<string, string>> = {
  record: {
    "-s, --stat":
      "samples always tell threads apart: 'pmuctl report -s pid,tid'; counts per thread: 'pmuctl bind -i 1 -- COMMAND'",
    "-j, --branch-filter, -b, --branch-any":
      "branch stacks are not recorded; pmuctl reads those that perf recorded",
    "-G, --cgroup, --all-cgroups":
      "cgroups cannot be selected; record -a, and 'pmuctl report --comms NAMES' or '--pid PIDS'",
    "-n, --no-samples": "to count instead of sample: 'pmuctl bind -e EVENT -- COMMAND'",
    "-u, --uid": "users cannot be selected; -p $(pgrep -d, -u USER) names the processes of one",
    "-z, --compression-level":
      "recordings are not compressed; 'pmuctl record -o - -- COMMAND | zstd >FILE' is",
    "-I, --intr-regs, --user-regs": "registers are not recorded",
    "-S, --snapshot": "AUX traces are not recorded; a flight recorder of samples is --overwrite",
    "-r, --realtime": "use 'chrt -f PRIORITY pmuctl record ...'",
    "--all-user": "name the event with :u, as in '-e cycles:u'",
    "--all-kernel": "name the event with :k, as in '-e cycles:k'",
    "--off-cpu":
      "time off the CPU is not recorded; '-e sched:sched_switch -g' shows where threads give the CPU away",
    "--per-thread": "each thread's samples are told apart anyway; -t TIDS records some threads",
    "--switch-events": "use '-e context-switches' or '-e sched:sched_switch'",
    "--namespaces, --kcore, --aio, --threads, --affinity, --mmap-flush, --no-buffering, --num-thread-synthesize":
      "pmuctl has no such option and needs none: see -m and --queue for buffers",
    "--timestamp-filename": "use --switch-output, which names files FILE.TIMESTAMP",
    "--rate": "use -F HZ",
    "--user-callchains": "name the event with :u, as in '-e cycles:u -g'",
    "--kernel-callchains": "name the event with :k, as in '-e cycles:k -g'",
    "--exclude-perf": "pmuctl's own samples are under its name: 'pmuctl report --comms NAMES' shows others",
    "--vmlinux, --kallsyms":
      "symbols are looked up later: 'pmuctl report --vmlinux FILE', or --kallsyms FILE",
    "-f, --force": "a file that is there is replaced anyway",
    "--latency, --setup-filter, --bpf-event, --tail-synthesize, --synth, --dry-run, --event-filter, --buildid-mmap, --debuginfod":
      "pmuctl has no such option and needs none",
    "-A, --append": "a file has one recording; --switch-output makes several",
    "-l, --list-cmds, --running-time, --max-buildid": "pmuctl has no such option",
    "--save-only, --unstable-presymbolicate":
      "pmuctl record only saves; 'pmuctl report --format firefox -o FILE' is for profiler.firefox.com",
  },
  report: {
    "--tui, --gtk":
      "there is no interactive view in the terminal; 'pmuctl report --format html -o report.html' makes one for a browser",
    "--no-children": "it is the default",
    "-F, --fields": "use -s KEYS for what a row stands for; --json has all fields",
    "--hierarchy": "use -G for a tree of what called what",
    "--max-stack": "call chains are shown whole; --percent-limit leaves out small branches",
    "-D, --dump-raw-trace":
      "records are not dumped; 'perf script -D' reads the same file, and 'pmuctl report --stats' counts them",
    "-I, --show-info, --header-only": "the first lines of the report say where and when it was recorded",
    "-T, --threads": "use -s pid,tid",
    "-t, --field-separator": "use --json for programs",
    "-w, --column-widths": "columns fit the terminal; a pipe gets whole names",
    "-U, --hide-unresolved": "what has no symbol is shown, so that shares are right",
    "--inline": "inlined functions are not told apart yet; --lines shows their source lines",
    "--sort-key": "use -s KEYS",
    "--tasks, --mmaps": "use 'pmuctl report -s comm,pid,tid', or --json",
    "--itrace, --branch-history, -b, --branch-stack, --total-cycles, --mem-mode":
      "branch stacks, AUX traces and memory profiles are not reported",
    "-v, --verbose": "what has no symbol is explained below the report",
    "-q, --quiet": "send standard error elsewhere: 2>/dev/null",
  },
  stat: {
    "-p, --pid, -t, --tid":
      "to count in processes that run: 'pmuctl bind -p PID', with -i SEC for rows as it goes on",
    "-a, --all-cpus, -C, --cpu, -A, --no-aggr, --per-core, --per-socket, --per-die, --per-node":
      "to count on CPUs: 'pmuctl bind -a -- COMMAND', or 'pmuctl bind -a -i 1'",
    "-I, --interval-print, --interval-count":
      "to print counts as they grow: 'pmuctl bind -i SEC -- COMMAND' (perf has ms)",
    "-d, --detailed":
      "name the events: '-e cycles,instructions,cache-misses'; 'pmuctl list-events cache' lists them",
    "-M, --metrics, --topdown": "metrics of the vendors are not computed; -e names events",
    "-x, --field-separator": "use --csv",
    "-j, --json-output": "use --json",
    "-o": "use --output for what the commands print, and > for the result",
    "--repeat": "use -r RUNS",
    "--per-thread": "to count in each thread: 'pmuctl bind -i 1 -- COMMAND'",
    "-n, --null": "times are always measured",
    "-B, --big-num, --no-big-num, -v, --verbose, --no-scale, --no-csv-summary, --summary":
      "'pmuctl bind -- COMMAND' prints the counts of one run, as perf stat does; 'pmuctl stat' has tables of many",
    "-D, --delay": "runs are measured from their exec on; 'pmuctl record -D MS' samples from later on",
    "-G, --for-each-cgroup, -b, --bpf-prog, --no-merge, --hybrid-merge, --cputype":
      "to count on CPUs: 'pmuctl bind -a'; cgroups and BPF programs cannot be selected",
    "--reference, --reference-name": "the command behind -- is what those of --vs are compared with",
    "--sort": "commands are in the order they were given",
    "--input": "commands read nothing: --shell with 'COMMAND <FILE'",
    "--pre": "use --prepare CMD",
    "-m, --min-runs, -M, --max-runs": "use -r RUNS or --min-time SEC",
    "-s, --setup, -c, --cleanup, --post": "only --prepare CMD, before each run, is there",
    "-L, --parameter-list": "use --param NAME=VALUE,VALUE",
    "-P, --parameter-scan, --parameter-step-size": "use --param NAME=1,2,3: list the values",
    "-N": "no shell is used, unless --shell asks for one",
    "-S": "use --shell for /bin/sh",
    "--export-json": "use --json >FILE",
    "--export-csv": "use --csv >FILE",
    "--export-markdown, --export-asciidoc, --export-orgmode": "use --markdown >FILE",
    "--show-output": "use --output inherit",
    "--command-name": "results are named after the commands",
    "--style, --time-unit, -u": "the table fits the terminal; --json has nanoseconds",
  },
  bind: {
    "-I, --interval-print": "use -i SEC",
    "-r, --repeat": "to run a command several times: 'pmuctl stat -r RUNS -- COMMAND'",
    "-d, --detailed": "name the events: '-e cycles,instructions,cache-misses'",
    "-x, --field-separator, --csv": "use --json",
    "-t": "use --tid TIDS",
    "-v, --verbose, -B, --big-num, --no-big-num, -A, --no-aggr, --per-core, --per-socket, --per-die, --per-node, --per-thread":
      "counts are in full, each CPU's with -a and each thread's with -i SEC",
    "-M, --metrics, --topdown": "metrics of the vendors are not computed; -e names events",
    "-g, --call-graph, -F, --freq": "to sample rather than count: 'pmuctl record -g -- COMMAND'",
    "-D, --delay": "use -p PID once it is time",
    "--timeout, --interval-count": "use -i SEC -n COUNT",
    "-j": "use --json",
  },
  diff: {
    "--stdio": "it is the default",
    "--compute, --baseline-only, -b": "shares of both are shown with what changed; --json has all numbers",
    "--order": "use --sort ORDER",
    "-s, --sort-key": "use --by KEYS",
  },
};

/** Words for a command that another tool has. */
const COMMANDS: Record<string, string> = {
  hyperfine: "'pmuctl stat -- COMMAND' measures a command, with '--vs CMD' for each other one",
  sched: "'pmuctl record -e sched:sched_switch -g -a' records where threads give the CPU away",
  lock: "'pmuctl record -e lock:contention_begin -g -a' records where threads wait for locks",
  c2c: "'pmuctl record -d -W' records addresses and costs; 'perf c2c report' reads the same file",
  kmem: "'pmuctl record -e kmem:kmalloc -g -a' records where the kernel allocates",
  kvm: "'pmuctl record -a -e cycles' samples hosts; guests are one object in the report",
  timechart: "'pmuctl report --format firefox -o FILE' has a time line",
  ftrace: "functions are not traced; 'pmuctl record -g -e cycles:k' samples the kernel",
  probe: "probes are not made here; 'pmuctl record -e probe:NAME' records those that 'perf probe' made",
  evlist: "'pmuctl report' names the events of a file in its first lines",
  test: "'pmuctl info' tells what can be measured here",
  "buildid-list": "'perf buildid-list' reads the same file",
  "buildid-cache": "'pmuctl record' keeps what will be gone by itself; see its -N",
  top: "'pmuctl record -a -g --duration 5 && pmuctl report' shows what runs now",
  annotate:
    "instructions are not shown yet; 'pmuctl report --lines' goes down to source lines, and 'perf annotate' reads the same file",
  script: "'pmuctl report --json' is for programs, and 'perf script' reads the same file",
  mem: "'pmuctl record -d -W' records addresses and costs; 'perf mem report' reads the same file",
  trace: "'pmuctl record -e raw_syscalls:sys_enter -a' records system calls",
  bench: "'pmuctl stat -- COMMAND' measures a command",
  archive: "copy the programs and their debug files, and name the folder with 'pmuctl report --symfs'",
  inject: "jitdumps and build ids need no extra step here",
  buildid: "'readelf -n FILE' shows a build id",
  load: "'pmuctl report --format firefox -o FILE' writes a file for profiler.firefox.com",
  monitor: "NetBSD's 'tprof monitor' is 'pmuctl record -a -- COMMAND'",
  count: "NetBSD's 'tprof count' is 'pmuctl bind -i 1 -a'",
  cpustat: "'pmuctl bind -i 1 -a' is cpustat",
  cputrack: "'pmuctl bind -i 1 -f -e EVENTS -- COMMAND' is cputrack",
};

/** Returns what pmuctl has in place of an option of another tool, as it was `written` (`-j`, `--stdio`). */
export function foreignOption(command: string, written: string): string | undefined {
  for (const [names, hint] of Object.entries(OPTIONS[command] ?? {})) {
    if (names.split(", ").includes(written)) return hint;
  }
  return undefined;
}

/** Returns what pmuctl has in place of a command of another tool. */
export function foreignCommand(name: string): string | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}
