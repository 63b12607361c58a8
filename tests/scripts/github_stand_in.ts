/** A stand-in on loopback for the part of GitHub's API that comments on pull requests, with one repository. */

/** Comment on a pull request, as far as it is looked at here. */
export interface StandInComment {
  id: number;
  author: string;
  body: string;
}

export interface StandIn extends AsyncDisposable {
  /** Environment of a step on GitHub's runners that leads here. */
  env: Record<string, string>;
  comments: StandInComment[];
  /** Calls so far: `POST /graphql`. */
  calls: string[];
  /** Number of comments on a page; GitHub has 100. */
  pageSize: number;
  /** Refuses every call from now on, with this status. */
  refusal?: { status: number; body: string };
}

export const REPOSITORY = "octo/bench", PULL_REQUEST = 7, TOKEN = "ghs_stand.in-1", USER = "github-actions";

/** Starts the stand-in, which ends when it is disposed of. */
export function githubStandIn(): StandIn {
  const comments: StandInComment[] = [];
  const calls: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    calls.push(`${request.method} ${pathname}`);
    if (standIn.refusal) return new Response(standIn.refusal.body, { status: standIn.refusal.status });
    if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) {
      return Response.json({ message: "Bad credentials" }, { status: 401 });
    }
    const sent = await request.json();
    if (pathname === "/graphql") return Response.json(page(sent.variables, standIn));
    const body: string = sent.body;
    if (body.length > 65_536) return Response.json({ message: "Body is too long" }, { status: 422 });
    const [, id] = new RegExp(`^/repos/${REPOSITORY}/issues/comments/(\\d+)$`).exec(pathname) ?? [];
    const old = comments.find((comment) => `${comment.id}` === id);
    if (request.method === "PATCH" && old) {
      old.body = body;
      return Response.json({ html_url: `http://github.invalid/${old.id}` });
    }
    if (request.method === "POST" && pathname === `/repos/${REPOSITORY}/issues/${PULL_REQUEST}/comments`) {
      comments.push({ id: 1000 + comments.length, author: USER, body });
      return Response.json({ html_url: `http://github.invalid/${comments.at(-1)!.id}` }, { status: 201 });
    }
    return Response.json({ message: "Not Found" }, { status: 404 });
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const standIn: StandIn = {
    env: {
      GITHUB_API_URL: url,
      GITHUB_GRAPHQL_URL: `${url}/graphql`,
      GITHUB_SERVER_URL: "https://github.invalid",
      GITHUB_REPOSITORY: REPOSITORY,
      GITHUB_RUN_ID: "42",
    },
    comments,
    calls,
    pageSize: 100,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return standIn;
}

/** The answer to the query of a page of comments. Its cursor is the number of comments before the page. */
function page(
  { owner, name, number, after }: Record<string, unknown>,
  { comments, pageSize }: Pick<StandIn, "comments" | "pageSize">,
) {
  if (`${owner}/${name}` !== REPOSITORY || number !== PULL_REQUEST) {
    return { data: { repository: null }, errors: [{ message: "Could not resolve to a Repository" }] };
  }
  const begin = Number(after ?? 0), end = begin + pageSize;
  const nodes = comments.slice(begin, end).map(({ id, author, body }) => ({
    databaseId: id,
    viewerDidAuthor: author === USER,
    body,
  }));
  const pageInfo = { hasNextPage: end < comments.length, endCursor: `${end}` };
  return { data: { repository: { pullRequest: { comments: { nodes, pageInfo } } } } };
}
