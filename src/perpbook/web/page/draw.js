// Elements out of text. Text goes in as text alone, and without letters that turn or hide what stands beside them.

const TURNING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function clean(text) {
  return String(text).replace(TURNING, "\ufffd");
}

export function el(tag, given = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "press") made.addEventListener("click", value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, clean(value));
  }
  made.append(...inside.map((one) => (one instanceof Node ? one : document.createTextNode(clean(one)))));
  return made;
}

export function put(id, ...inside) {
  document.getElementById(id).replaceChildren(...inside);
}

// What a book named: it cannot change the order of what stands around it.
export function named(text) {
  return el("bdi", {}, text);
}

export function short(digest) {
  return el("code", { title: digest }, digest.slice(0, 12));
}

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const exact = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 15 });

const isNumber = (value) => typeof value === "number";
export const number = (value) => (isNumber(value) ? exact.format(value) : "unknown");
export const signed = (value) => (isNumber(value) ? (value > 0 ? "+" : "") + exact.format(value) : "unknown");
export const money = (value) => (isNumber(value) ? (value < 0 ? "-$" : "$") + whole.format(Math.abs(value)) : "unknown");
export const cash = (value) => (isNumber(value) ? "$" + cents.format(value) : "unknown");
export const percent = (value, digits = 1) => (isNumber(value) ? `${(100 * value).toFixed(digits)}%` : "unknown");
export const times = (value) => (isNumber(value) ? `${value.toFixed(2)}x` : "unknown");

export function clock(seconds) {
  if (seconds <= 0) return "expired";
  const s = Math.ceil(seconds), parts = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  const two = (part) => String(part).padStart(2, "0");
  return parts[0] ? `${parts[0]}:${two(parts[1])}:${two(parts[2])}` : `${parts[1]}:${two(parts[2])}`;
}

export function moment(iso) {
  return el("time", { datetime: iso, title: iso }, iso.slice(0, 10) === new Date().toISOString().slice(0, 10) ? `${iso.slice(11, 19)} UTC` : `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`);
}

export function fact(name, value, note = "") {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value, ...(note ? [el("small", {}, note)] : [])));
}

export function table(heads, rows, kind = "") {
  const head = el("tr", {}, ...heads.map(([name, right]) => el("th", { scope: "col", class: right ? "n" : "" }, name)));
  const body = rows.map((row) =>
    el("tr", {}, ...row.map((cell, at) => el(at === 0 ? "th" : "td", { class: heads[at][1] ? "n" : "", "data-as": heads[at][0], ...(at === 0 ? { scope: "row" } : {}) }, cell))),
  );
  return el("div", { class: "scroll" }, el("table", { class: kind }, el("thead", {}, head), el("tbody", {}, ...body)));
}
