// A company's provider of OpenID Connect: the certified `oidc-provider`, with a sign-in page of ours.
// node provider.mjs MODULES PORT REDIRECT  — says "ready" when it answers.
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, port, redirect] = process.argv.slice(2);
const entry = pathToFileURL(join(modules, "oidc-provider", "lib", "index.js"));
const { default: Provider } = await import(entry);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "console", client_secret: "a-secret-of-the-provider", redirect_uris: [redirect] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["only-for-a-test"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, asked) => `/sign-in/${asked.uid}` },
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: id, email: id, email_verified: !id.startsWith("unverified") }),
  }),
  // whoever signs in has agreed: a company asks its own people nothing
  async loadExistingGrant(context) {
    const { client, session } = context.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});

async function typed(request) {
  let body = "";
  for await (const piece of request) body += piece;
  return new URLSearchParams(body).get("address");
}

const answer = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith("/sign-in/")) return answer(request, response);
  if (request.method === "POST") {
    const login = { accountId: await typed(request) };
    return provider.interactionFinished(request, response, { login });
  }
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.end(`<!doctype html><html lang="en"><title>Acme</title><link rel="icon" href="data:,">
<form method="post"><label>Address <input name="address"></label><button>Go on</button></form></html>`);
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
