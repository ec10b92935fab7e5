// Asks the management API. Every page of the studio goes through here, so that each error is told in the same words.

const facts = document.body.dataset;
const permissions = new Set((facts.permissions ?? "").split(" "));

export class ApiError extends Error {
  constructor(status, problem) {
    super(wordsOf(status, problem));
    this.status = status;
    this.code = problem?.code ?? "";
    this.problem = problem;
    this.retrySeconds = 0;
  }
}

/** Whether who looks at the page may do this: view, train or admin. */
export function can(permission) {
  return permissions.has(permission);
}

/**
 * The JSON of an answer, null where there is none. `sent`: query, json, form (FormData), body, headers, signal;
 * `staysHere`: a 401 does not lead to the login page, since it tells of a password in the request.
 */
export async function ask(method, path, sent = {}) {
  let answer = await reach(method, path, sent);
  if (answer.status === 400 && (await hasNewToken(answer.clone()))) answer = await reach(method, path, sent);
  if (!answer.ok) throw await errorOf(answer, sent.staysHere);
  const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
  return isJson ? answer.json() : null;
}

/** The text of an answer: a log, say. */
export async function askText(path, sent = {}) {
  const answer = await reach("GET", path, sent);
  if (!answer.ok) throw await errorOf(answer);
  return answer.text();
}

/** Sends a large body; `onProgress(share)` is called with 0..1. Throws AbortError when `signal` says so. */
export function upload(path, { body, headers = {}, query, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", withQuery(path, query));
    const all = { Accept: "application/json", "X-CSRF-Token": facts.csrf ?? "", ...headers };
    for (const [name, value] of Object.entries(all)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress?.(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      const content = parsed(request.responseText);
      if (request.status < 400) resolve(content);
      else reject(new ApiError(request.status, content));
    });
    request.addEventListener("error", () => reject(new ApiError(0, null)));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

async function reach(method, path, { query, json, form, body, headers = {}, signal }) {
  const all = { Accept: "application/json", ...headers };
  if (method !== "GET") all["X-CSRF-Token"] = facts.csrf ?? "";
  if (json !== undefined) all["Content-Type"] = "application/json";
  const content = json !== undefined ? JSON.stringify(json) : (form ?? body);
  try {
    return await fetch(withQuery(path, query), { method, headers: all, body: content, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, null);
  }
}

/** Whether the token was only too old, since the same person logged in again elsewhere; somebody else gets their own page. */
async function hasNewToken(answer) {
  if (facts.studio === undefined || parsed(await answer.text())?.code !== "csrf_token_missing") return false;
  const asked = await reach("GET", "/api/v1/session", {});
  const session = asked.ok ? await asked.json() : null;
  if (!session?.csrf_token || session.csrf_token === facts.csrf) return false;
  if (session.user.username !== facts.username) {
    window.location.reload();
    return false;
  }
  facts.csrf = session.csrf_token;
  return true;
}

async function errorOf(answer, staysHere) {
  if (answer.status === 401 && facts.studio !== undefined && !staysHere) {
    const here = window.location.pathname + window.location.search;
    window.location.assign(`/login?next=${encodeURIComponent(here)}`);
  }
  const error = new ApiError(answer.status, parsed(await answer.text()));
  error.retrySeconds = Number(answer.headers.get("Retry-After")) || 0;
  return error;
}

function withQuery(path, query) {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function wordsOf(status, problem) {
  if (status === 0) return "The server cannot be reached.";
  const details = problem?.problems?.map((one) => `${one.where} ${one.what}`.trim()).join("; ");
  return details || problem?.detail || problem?.title || `The server answered ${status}.`;
}
