// What is asked of the server and said to it. The action token is kept by this origin alone; the cookie is the browser's.

const KEPT = "perpbook.token";

export function mayAct() {
  return localStorage.getItem(KEPT) !== null;
}

async function answered(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, redirect: "error" });
  } catch {
    throw new Error("the server does not answer: nothing was said");
  }
  const found = await response.json().catch(() => null);
  if (!response.ok || found === null || found.ok !== true) {
    const why = found && Array.isArray(found.errors) ? found.errors.map((one) => one.message).join("; ") : `status ${response.status}`;
    throw Object.assign(new Error(why), { status: response.status });
  }
  return found.data;
}

export function read(path) {
  return answered(path, {});
}

export function act(path, body = {}) {
  const headers = { "content-type": "application/json", "x-perpbook-token": localStorage.getItem(KEPT) ?? "" };
  return answered(path, { method: "POST", headers, body: JSON.stringify(body) });
}

// Come in by the secret behind the address's #, which leaves the address, and so the history, at once.
export async function comeIn() {
  const found = /^#login=([\w-]+)$/.exec(location.hash);
  if (found === null) return;
  history.replaceState(null, "", "/");
  const entered = await act("/api/login", { secret: found[1] });
  localStorage.setItem(KEPT, entered.token);
}

export async function leave() {
  await act("/api/logout");
  localStorage.removeItem(KEPT);
}

export function listen(told, lost) {
  const source = new EventSource("/api/events");
  source.onmessage = (event) => told(JSON.parse(event.data).data);
  source.onerror = () => lost();
  return source;
}
