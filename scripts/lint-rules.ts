/** Rules of the project's own for `deno lint`, which deno.json names. */

/** The most lines of a function. */
const MAX_LINES = 60;

type Function =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

const plugin: Deno.lint.Plugin = {
  name: "pmuctl",
  rules: {
    "short-functions": {
      create(context) {
        // a test is as long as its cases are many
        if (context.filename.includes("/tests/")) return {};
        const check = (node: Function) => {
          const lines = context.sourceCode.getText(node).split("\n").length;
          if (lines <= MAX_LINES) return;
          context.report({ node, message: `a function of ${lines} lines: split it, ${MAX_LINES} at most` });
        };
        return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
      },
    },
  },
};

export default plugin;
