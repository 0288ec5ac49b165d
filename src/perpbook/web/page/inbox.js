// The page: draws what the server tells, and says a person's word. What is not fresh is not acted on.

import { act, comeIn, leave, listen, mayAct, read } from "/asking.js";
import { cash, clock, el, fact, moment, money, named, number, percent, put, short, signed, table, times } from "/draw.js";

const OLD_S = 25, SURE_S = 6;
const page = { inbox: null, mayAct: false, at: 0, drawn: new Map(), source: null };
const $ = (id) => document.getElementById(id);
const age = () => (performance.now() - page.at) / 1000;

function say(text, kind) {
  const close = el("button", { class: "plainly", type: "button", press: () => put("said") }, "OK");
  put("said", el("div", { class: `notice ${kind}` }, el("div", { class: "acts" }, el("span", {}, text), close)));
  $("said").scrollIntoView({ block: "nearest" });
}

async function word(button, path, body, done) {
  button.disabled = true;
  button.dataset.busy = "1";
  try {
    const found = await act(path, body);
    say(typeof done === "function" ? done(found) : done, "ok");
  } catch (error) {
    say(`Refused: ${error.message}`, "breach");
    if (error.status === 401) strange();
  } finally {
    delete button.dataset.busy;
    enable();
  }
}

// The first press asks, the second within some seconds says it.
function twice(kind, name, sure, press) {
  const button = el("button", { class: kind, type: "button", "data-act": true }, name);
  let timer = null;
  const calm = () => {
    clearTimeout(timer);
    timer = null;
    button.textContent = name;
    button.classList.remove("sure");
  };
  button.addEventListener("click", () => {
    if (timer !== null) {
      calm();
      press(button);
      return;
    }
    button.textContent = sure;
    button.classList.add("sure");
    timer = setTimeout(calm, SURE_S * 1000);
  });
  return button;
}

const RISKS = { equity: ["equity", money], effective: ["effective leverage", times], margin_ratio: ["worst margin ratio", percent], liquidation_move: ["dies when prices move", (value) => (value === null ? "never" : percent(value))] };

function legs(one) {
  const rows = one.legs.map((leg) => [
    el("span", {}, el("span", { class: leg.quantity > 0 ? "buy" : "sell" }, leg.quantity > 0 ? "buy" : "sell"), " ", named(number(Math.abs(leg.quantity))), " ", named(leg.symbol)),
    el("span", {}, named(leg.account), " · ", named(leg.venue)),
    `${signed(leg.held)} → ${signed(leg.held + leg.quantity)}`,
    `${number(leg.limit_price)} or better`,
    leg.mid_price === null ? "unknown" : number(leg.mid_price),
    money(leg.notional),
    leg.reduce_only ? "yes" : "no",
  ]);
  return table([["order", false], ["account", false], ["position", true], ["limit", true], ["middle then", true], ["at most", true], ["reduce-only", false]], rows, "legs");
}

function risks(one) {
  const rows = Object.entries(RISKS)
    .filter(([name]) => name in one.risk)
    .map(([name, [words, told]]) => [words, told(one.risk[name][0]), told(one.risk[name][1])]);
  return table([["the book", false], ["before", true], ["after", true]], rows, "risks");
}

function bound(one) {
  const say = (name, ...value) => el("span", {}, `${name} `, el("b", {}, ...value));
  return el("p", { class: "bound" },
    say("fees and slippage at most", cash(one.cost_max)), say("void if the price moves by", percent(one.collar, 2)),
    say("broken now", named(one.broken[0].join(", ") || "nothing")), say("broken after", named(one.broken[1].join(", ") || "nothing")),
    say("proposed", moment(one.created)), say("expires", moment(one.expires)),
    el("span", {}, "playbook ", short(one.playbook)), el("span", {}, "terms ", short(one.terms)), el("span", {}, "digest ", short(one.digest)));
}

function card(one) {
  const waits = one.phase === "proposed";
  const left = el("span", { class: "left", "data-left": waits ? one.expires_in_s : null, "data-at": waits ? page.at : null }, waits ? "" : one.phase);
  const inside = [
    el("div", { class: "top" }, el("h3", {}, named(one.rule), " ", el("small", {}, one.kind)), left),
    el("p", { class: "why" }, named(one.reason)),
  ];
  if (one.legs.length) inside.push(legs(one));
  if (one.transfer) inside.push(el("p", { class: "why" }, "move ", named(one.transfer), ": you do this; approving it only notes that you will"));
  if (one.cancels.length) inside.push(el("p", { class: "why" }, "take back the orders ", named(one.cancels.join(", "))));
  inside.push(risks(one), bound(one));
  if (one.stopped) inside.push(el("p", { class: "why" }, "Nothing more is sent: ", named(one.stopped)));
  if (one.who) inside.push(el("p", { class: "quiet" }, "last word by ", named(one.who), ` (${one.channel})`));
  if (page.mayAct && (waits || !one.stopped)) inside.push(answers(one, waits));
  return el("article", { class: `card${waits ? " waits" : ""}`, "data-digest": one.digest }, ...inside);
}

function answers(one, waits) {
  const path = `/api/proposals/${one.digest}`, name = one.digest.slice(0, 12);
  const no = twice("no", waits ? "Deny" : "Stop", waits ? "Yes, deny" : "Yes, stop it", (button) => word(button, `${path}/deny`, {}, `You said no to ${name}.`));
  if (!waits) return el("div", { class: "acts" }, no);
  const yes = twice("yes", "Approve", `Yes, approve ${name}`, (button) => word(button, `${path}/approve`, {}, (found) => `${name}: ${found.phase}.`));
  return el("div", { class: "acts" }, yes, no);
}

// A card that has not changed stays the same element, so nothing moves under a finger.
function cards(id, proposals, none) {
  const kept = proposals.map((one) => {
    const sign = JSON.stringify([page.mayAct, { ...one, expires_in_s: 0 }]);
    const old = page.drawn.get(one.digest);
    const made = old && old.sign === sign ? old : { sign, node: card(one) };
    page.drawn.set(one.digest, made);
    const left = made.node.querySelector("[data-left]");
    if (left) {
      left.dataset.left = one.expires_in_s;
      left.dataset.at = page.at;
    }
    return made.node;
  });
  const wanted = kept.length ? kept : [el("p", { class: "quiet" }, none)];
  const now = [...$(id).children];
  if (wanted.length !== now.length || wanted.some((node, at) => node !== now[at])) put(id, ...wanted);
}

function once(id, value, draw) {
  const sign = JSON.stringify([page.mayAct, value]);
  if ($(id).dataset.sign === sign) return;
  $(id).dataset.sign = sign;
  put(id, ...[draw(value)].flat());
}

function notices(inbox) {
  const s = inbox.status, out = [];
  const add = (kind, strong, text) => out.push(el("p", { class: `notice ${kind}` }, el("strong", {}, strong), " ", named(text)));
  if (inbox.problem) add("breach", "The journal is not believed:", `${inbox.problem}. Nothing of it is shown.`);
  else if (!s.running) add("breach", "No guard runs:", "nothing is watched, and no word would be heard. Halting works.");
  if (s.halt_flag !== "none") add("breach", "The halt flag is up:", `${s.halt_flag}. Only \`perpbook halt --resume\` takes it down.`);
  if (s.kill !== "none") add("breach", `The kill switch is at ${s.kill}:`, s.kill_reason);
  for (const line of s.exits) add("near", "Exit:", line);
  return out;
}

function facts(inbox) {
  const s = inbox.status, risk = inbox.risk;
  const stale = inbox.alerts.filter((one) => one.kind === "stale.feed" || one.kind === "unknown.account");
  const out = [
    fact("guard", s.running ? "runs" : "does not run", `${s.waiting} wait, ${s.acting} under way`),
    fact("armed", s.armed_for_s > 0 ? el("span", { "data-left": s.armed_for_s, "data-at": page.at }, "") : "no", "for live venues; paper needs none"),
    fact("kill switch", s.kill === "none" ? "off" : s.kill, s.halt_flag === "none" ? "halt flag down" : `halt flag: ${s.halt_flag}`),
    fact("silent or unknown", stale.length ? stale.map((one) => one.symbol || one.account).join(", ") : "nothing told", "feeds and accounts"),
    fact("last record", moment(s.last), `${s.records} records`),
  ];
  if (risk) out.push(
    fact("equity", money(risk.equity), "when the newest proposal was made"), fact("effective leverage", times(risk.effective)),
    fact("worst margin ratio", percent(risk.margin_ratio), "liquidation at 100%"));
  return out;
}

function positions(accounts) {
  const rows = Object.entries(accounts).map(([name, held]) => [named(name), named(Object.entries(held).map(([symbol, quantity]) => `${signed(quantity)} ${symbol}`).join(", ") || "flat")]);
  return rows.length ? table([["account", false], ["positions as last verified", false]], rows, "roomy wordy") : el("p", { class: "quiet" }, "No account was seen yet.");
}

function lines(items, none) {
  return items.length ? el("ul", { class: "lines" }, ...items) : el("p", { class: "quiet" }, none);
}

function incident(one) {
  const inside = [el("span", { class: "mark breach" }, one.account || "all accounts"), el("span", { class: "words" }, named(one.why), " ", el("code", {}, one.key)), moment(one.at)];
  if (page.mayAct) inside.push(twice("plainly", "Acknowledge", "Yes, I looked after it", (button) => word(button, "/api/incidents/acknowledge", { key: one.key }, `Acknowledged ${one.key}.`)));
  return el("li", {}, ...inside);
}

const LOUD = { info: "ok", warn: "near", page: "breach" };

function alert(one) {
  const where = [one.account, one.symbol].filter(Boolean).join(" ");
  return el("li", {}, el("span", { class: `mark ${LOUD[one.severity] ?? "near"}` }, one.severity), el("span", { class: "words" }, el("b", {}, one.kind), where ? " " : "", named(where), ": ", named(one.sentence)), moment(one.at));
}

function ended(one) {
  return el("li", {}, el("span", { class: "mark near" }, one.phase), el("span", { class: "words" }, named(one.rule), ": ", named(one.why || one.reason), one.who ? ` (${one.who}, ${one.channel})` : ""), short(one.digest));
}

function record(one) {
  return [String(one.number), moment(one.at), one.kind, el("span", { title: one.digest }, one.body)];
}

function chain(inbox) {
  const check = el("button", { class: "plainly", type: "button", press: verify }, "Check every link");
  return [`${inbox.status.records} records at `, named(inbox.journal), ", each checked as it was read; the last digest is ", short(inbox.status.head), ". ", check];
}

async function verify(event) {
  const button = event.currentTarget;
  button.disabled = true;
  try {
    const found = await read("/api/journal/verify");
    say(`The chain holds: ${found.count} records, the last digest is ${found.head}.`, "ok");
  } catch (error) {
    say(`The chain does not hold: ${error.message}`, "breach");
  } finally {
    button.disabled = false;
  }
}

const LEVELS = [
  ["pause", "Nothing new is proposed or sent."],
  ["cancel", "And orders that could open risk are taken back."],
  ["flatten", "And everything is closed, reduce-only, in bounded steps. Type flatten to mean it."],
];

function halting() {
  const why = el("input", { type: "text", maxlength: 200, placeholder: "halted from the web page" });
  const level = ([name, words]) => {
    const typed = el("input", { type: "text", autocomplete: "off", placeholder: "flatten", "aria-label": "Type flatten to confirm" });
    const button = twice("stop", name[0].toUpperCase() + name.slice(1), `Yes, ${name}`, (pressed) =>
      word(pressed, "/api/halt", { level: name, why: why.value, confirm: typed.value.trim() }, (found) => `Halted: ${found.level}. ${found.running ? "The guard that runs sees it within a tenth of a second." : "No guard runs now; none that begins will send anything."}`));
    button.dataset.always = "1";
    return el("div", { class: "card level" }, el("p", {}, el("b", {}, name), ": ", words), ...(name === "flatten" ? [typed] : []), button);
  };
  return [
    el("p", { class: "lead" }, "A flag on disk that is looked at before every order, whatever the guard is doing. Only the command line lets go of it."),
    el("div", { class: "levels" }, ...LEVELS.map(level)),
    el("label", {}, "Why (kept in the journal)", why),
  ];
}

function told(data) {
  const inbox = data.inbox;
  page.inbox = inbox;
  page.at = performance.now();
  page.mayAct = data.allow_actions && mayAct();
  $("mode").textContent = data.allow_actions ? (page.mayAct ? "" : "this browser has no action token: log in again to act") : "read-only: start `perpbook web --allow-actions` to act";
  $("leave").hidden = false;
  put("notices", ...notices(inbox));
  $("all").hidden = inbox.problem !== "";
  const waiting = inbox.proposals.filter((one) => one.phase === "proposed");
  document.title = waiting.length ? `(${waiting.length}) Guard` : "Guard";
  cards("proposals", waiting, "Nothing waits for you.");
  const acting = inbox.proposals.filter((one) => one.phase !== "proposed");
  $("acting-part").hidden = acting.length === 0;
  cards("acting", acting, "");
  once("incidents", inbox.incidents, (found) => lines(found.map(incident), "No incident is open."));
  put("facts", ...facts(inbox));
  once("positions", inbox.status.accounts, positions);
  once("alerts", inbox.alerts, (found) => lines(found.map(alert), "No alert stands."));
  once("ended", inbox.ended.map((one) => ({ ...one, expires_in_s: 0 })), (found) => lines(found.map(ended), "Nothing has ended yet."));
  once("chain", [inbox.journal, inbox.status.records, inbox.status.head], () => chain(inbox));
  once("records", inbox.records, (found) => table([["no.", true], ["when", false], ["kind", false], ["what", false]], found.map(record)));
  $("halt-part").hidden = !page.mayAct;
  once("halt", null, halting);
  tick();
}

function enable() {
  const fresh = age() < OLD_S;
  for (const button of document.querySelectorAll("[data-act]")) {
    const late = button.closest(".card.late") !== null;
    button.disabled = "busy" in button.dataset || (!("always" in button.dataset) && (!fresh || late));
  }
}

function tick() {
  if (page.at === 0) return;
  for (const node of document.querySelectorAll("[data-left]")) {
    const left = Number(node.dataset.left) - (performance.now() - Number(node.dataset.at)) / 1000;
    node.textContent = clock(left);
    node.classList.toggle("soon", left < 120);
    node.closest(".card")?.classList.toggle("late", left <= 0);
  }
  const fresh = age() < OLD_S;
  $("link").className = `mark ${fresh ? "ok" : "breach"}`;
  $("link").textContent = fresh ? "connected" : `nothing heard for ${Math.floor(age())} s`;
  enable();
}

function strange() {
  page.source?.close();
  page.at = 0;
  $("link").className = "mark breach";
  $("link").textContent = "not logged in";
  for (const id of ["all", "halt-part", "leave"]) $(id).hidden = true;
  put("notices", el("p", { class: "notice near" }, "Nobody is logged in here. Open the link that `perpbook web` printed; it counts once, for ten minutes. For another, start it again."));
}

// A stream that broke is opened again by the browser; one that was refused is not.
async function lost() {
  try {
    await read("/api/state");
  } catch (error) {
    if (error.status === 401) return strange();
  }
  if (page.source.readyState === EventSource.CLOSED) setTimeout(() => (page.source = listen(told, lost)), 5000);
}

$("leave").addEventListener("click", async () => {
  await leave().catch((error) => say(error.message, "breach"));
  strange();
});

try {
  await comeIn();
} catch (error) {
  say(error.message, "breach");
}
try {
  told(await read("/api/state"));
  page.source = listen(told, lost);
} catch (error) {
  if (error.status === 401) strange();
  else say(error.message, "breach");
}
setInterval(tick, 1000);
window.addEventListener("hashchange", () => location.hash.startsWith("#login=") && location.reload());
