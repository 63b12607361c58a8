/** Servers on this machine's loopback, under a load: recorded as processes that run already. */

import { eventually } from "../../tests/eventually.ts";
import { lacks, type Program, run, SOURCES, type Target } from "./program.ts";

const HOST = "127.0.0.1";
/** User that PostgreSQL runs as, which refuses root. */
const POSTGRES = "postgres";

function freePort(): number {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  return listener.addr.port;
}

/** Starts a command; it and all that it starts end with `stop`. */
class Started {
  readonly pid: number;
  readonly #child: Deno.ChildProcess;

  constructor(command: string, ...args: string[]) {
    const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
    this.#child = new Deno.Command("setsid", { args: [command, ...args], ...quiet }).spawn();
    this.pid = this.#child.pid;
  }

  async stop(): Promise<void> {
    await new Deno.Command("kill", { args: ["--", `-${this.pid}`], stderr: "null" }).output();
    await this.#child.status;
  }
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: HOST, port })).close();
    return true;
  } catch {
    return false;
  }
}

/** Lets all users into a folder, and into the one that it is in. */
function openToAll(folder: string): void {
  for (const each of [folder, folder.slice(0, folder.lastIndexOf("/"))]) Deno.chmodSync(each, 0o755);
}

/** Returns a process and those that it started. */
function withChildren(pid: number): number[] {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim();
  return [pid, ...children.split(" ").filter((word) => word !== "").map(Number)];
}

/** Makes a target of a server, which answers on a port, and of its load, under which it is `ready` by and by. */
async function served(
  server: Started,
  port: number,
  load: () => Started | Promise<Started>,
  ready: (pids: readonly number[]) => boolean = () => true,
): Promise<Target> {
  await eventually(() => accepts(port), `an answer on port ${port}`);
  const loading = await load();
  let pids: number[] = [];
  await eventually(() => ready(pids = withChildren(server.pid)), "the server's processes");
  const stop = async () => {
    await loading.stop();
    await server.stop();
  };
  return { pids, stop };
}

/** Returns a load of shell commands over and over, which ends with this process at the latest. */
function load(script: string, ...args: string[]): Started {
  return new Started("sh", "-c", `while kill -0 ${Deno.pid}; do ${script}; done`, "sh", ...args);
}

function redis(folder: string): Promise<Target> {
  const port = freePort();
  const options = ["--save", "", "--appendonly", "no", "--bind", HOST];
  const server = new Started("redis-server", "--port", `${port}`, "--dir", folder, ...options);
  const benchmark = `redis-benchmark -q -h ${HOST} -p ${port} -c 8`;
  const lua = "local s = 0 for i = 1, 200 do s = s + redis.call('incr', 'k' .. i % 7) end return s";
  return served(server, port, () =>
    load(
      `${benchmark} -P 8 -n 20000 -t set,get,lpush,lrange_300,sadd,zadd,hset,mset,zpopmin; ` +
        `${benchmark} -n 2000 eval "$1" 0; ${benchmark} -n 2000 sort mylist by nosort limit 0 200`,
      lua,
    ));
}

async function nginx(folder: string): Promise<Target> {
  const port = freePort(), here = `${folder}/nginx`;
  Deno.mkdirSync(here);
  openToAll(folder); // the workers are another user's
  Deno.copyFileSync(`${SOURCES}nginx.conf`, `${here}/nginx.conf`);
  Deno.writeTextFileSync(`${here}/listen.conf`, `listen ${HOST}:${port};\n`);
  const text = Array.from({ length: 4000 }, (_, i) => `row ${i} ${i * 7919 % 1009}`).join("\n");
  Deno.writeTextFileSync(`${here}/index.html`, text);
  const server = new Started("nginx", "-p", here, "-c", `${here}/nginx.conf`);
  await eventually(() => withChildren(server.pid).length > 1, "a worker of nginx");
  const get = 'curl -s -H "Accept-Encoding: gzip" -o /dev/null "$1"';
  return await served(
    server,
    port,
    () => load(`${get} & ${get}; wait`, `http://${HOST}:${port}/index.html?[1-1000]`),
  );
}

/** Returns the folder of PostgreSQL's own programs, which is not on PATH. */
function postgresFolder(): string | undefined {
  try {
    const versions = [...Deno.readDirSync("/usr/lib/postgresql")].map(({ name }) => name).sort();
    return versions.length > 0 ? `/usr/lib/postgresql/${versions.at(-1)}/bin` : undefined;
  } catch {
    return undefined;
  }
}

async function postgres(folder: string): Promise<Target> {
  const port = freePort(), here = `${folder}/postgres`, programs = postgresFolder()!;
  const asUser = Deno.uid() === 0 ? ["setpriv", `--reuid=${POSTGRES}`, "--clear-groups"] : ["env"];
  Deno.mkdirSync(here);
  openToAll(folder);
  if (Deno.uid() === 0) await run("chown", POSTGRES, here);
  await run(
    asUser[0],
    ...asUser.slice(1),
    `${programs}/initdb`,
    "-A",
    "trust",
    "-U",
    POSTGRES,
    "-N",
    "-D",
    here,
  );
  const options = [
    "-c",
    `listen_addresses=${HOST}`,
    "-c",
    "unix_socket_directories=",
    "-c",
    "fsync=off",
    "-c",
    "autovacuum=off",
  ];
  const server = new Started(
    ...asUser as [string, ...string[]],
    ...[`${programs}/postgres`, "-D", here, "-p", `${port}`, ...options],
  );
  const client = ["-h", HOST, "-p", `${port}`, "-U", POSTGRES];
  const started = async () => {
    const bench = `${programs}/pgbench`;
    await eventually(() => isReady(programs, client), "a database that takes queries");
    await run(bench, ...client, "-i", "-q", "-s", "1", POSTGRES);
    // connections that last, for their servers to be there when the recording starts
    return load(
      `"$@" -n -c 2 -T 600 -f ${SOURCES}work.pgsql@1 -b tpcb-like@20 -b select-only@20 ${POSTGRES}`,
      bench,
      ...client,
    );
  };
  return await served(server, port, started, (pids) => pids.filter(isConnection).length === 2);
}

/** Returns whether a process of PostgreSQL serves a client. */
function isConnection(pid: number): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes(`${HOST}(`);
  } catch {
    return false; // it has ended
  }
}

async function isReady(programs: string, client: readonly string[]): Promise<boolean> {
  return (await new Deno.Command(`${programs}/pg_isready`, { args: ["-q", ...client] }).output()).success;
}

/** All of them. */
export const SERVERS: readonly Program[] = [
  {
    name: "redis",
    what: "redis-server under redis-benchmark",
    missing: lacks("redis-server", "redis-server", "redis-benchmark"),
    make: redis,
  },
  {
    name: "nginx",
    what: "nginx that compresses text",
    missing: lacks("nginx-light curl", "nginx", "curl"),
    make: nginx,
  },
  {
    name: "postgres",
    what: "PostgreSQL under pgbench",
    missing: () =>
      postgresFolder() === undefined ? "no /usr/lib/postgresql: apt-get install postgresql" : undefined,
    make: postgres,
  },
];
