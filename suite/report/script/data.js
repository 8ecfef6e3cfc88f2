// What the page holds: verdicts and sizes of every pair as JSON, and one packed block per scenario for the figures.
const DATA = JSON.parse(document.getElementById("data").textContent);
const [EQUAL, MISSING, INVALID] = [0, 254, 255];
const NOT_RUN = DATA.verdicts.length - 1;
const upTo = (n) => [...Array(n).keys()];
const byId = (id) => document.getElementById(id);
const each = (where, act) => document.querySelectorAll(where).forEach(act);
// Names become text nodes and attributes, never markup.
const make = (drawing, words, rest) => {
  const [tag, ...classes] = words.split(".");
  const node = drawing ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  if (classes.length) node.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(rest[0]?.constructor === Object ? rest.shift() : {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...rest.flat(3).filter((child) => child !== null && child !== undefined));
  return node;
};
const h = (tag, ...rest) => make(false, tag, rest);
const svg = (tag, ...rest) => make(true, tag, rest);
const cells = (tag, attributes, values) => values.map((value) => h(tag, attributes, value));
const numbersTable = (caption, titles, rows) => h("table.numbers", h("caption", caption),
  h("thead", h("tr", cells("th", { scope: "col" }, titles))), h("tbody", rows));
const line = (name, ...values) => h("tr", h("th", { scope: "row" }, name), cells("td", { class: "n" }, values));
const region = (name, ...children) => h("div.panel", { tabindex: 0, role: "region", "aria-label": name }, children);
// Two digits, and only exactly 0 is printed as 0; null is no number.
const number = (value) => {
  if (value === null) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 0.01 && size < 1000) return size < 100 ? String(Number(value.toPrecision(2))) : value.toFixed(0);
  const [mantissa, exponent] = value.toExponential(1).split("e");
  return `${mantissa.replace(".0", "")}e${Number(exponent)}`;
};
const logOf = (code) => -12 + ((code - 1) / 249) * 15;
const about = (code) => {
  if (code === EQUAL) return "exactly 0";
  if (code === MISSING) return "no number";
  if (code === INVALID) return "not finite";
  return code === 1 ? "at most 1e-12" : `about ${number(Number((10 ** logOf(code)).toPrecision(1)))}`;
};
// One decade per class, 1e-9 to 1e1, both ends open: what is smaller is in the first, what is larger in the last.
const decadeOf = (code) => Math.floor(logOf(code) + 1e-9);
const classOf = (code) => Math.min(Math.max(decadeOf(code) + 9, 0), 9);
const mark = (verdict) => DATA.verdicts[verdict][1];
const word = (verdict) => DATA.verdicts[verdict][0];
const fill = (verdict) => DATA.verdicts[verdict][2];
const badge = (verdict) => h("span", { class: `badge ${fill(verdict)}`, title: DATA.verdicts[verdict][4] }, `${mark(verdict)} ${word(verdict)}`);
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
// The place of two runs among all pairs of n runs, in the order of the data.
const placeOf = (a, b, n) => {
  const [i, j] = a < b ? [a, b] : [b, a];
  return i * n - (i * (i + 1)) / 2 + (j - i - 1);
};
// Those that are pairs: both runs, and the place.
const pairsOf = (scenario) => scenario.runs.flatMap((_, a) => upTo(scenario.runs.length).slice(a + 1).map((b) => [a, b, placeOf(a, b, scenario.runs.length)]))
  .filter(([, , at]) => scenario.v[at] !== ".");
const verdictAt = (scenario, at, quantity) => {
  const found = (quantity ? scenario.q[quantity]?.v : scenario.v)?.[at];
  if (found !== undefined && found !== ".") return Number(found);
  return quantity && scenario.v[at] === String(NOT_RUN) ? NOT_RUN : null;
};
const codesOf = (scenario, quantity) => {
  const found = scenario.q[quantity];
  return found ? (found.codes ??= bytes(found.m)) : new Uint8Array();
};
// For all quantities: the size of the first of the worst, which is what decided.
const codeAt = (scenario, at, quantity) => {
  if (quantity) return codesOf(scenario, quantity)[at] ?? MISSING;
  const first = Object.keys(scenario.q).find((name) => scenario.q[name].v[at] === scenario.v[at]);
  return first ? codesOf(scenario, first)[at] : MISSING;
};
let held = { at: -1 };
const unpack = async (at) => {
  const packed = bytes(byId(`block-${at}`).textContent);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const whole = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(whole.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(4, 4 + length)));
  return { ...header, codes: whole.subarray(4 + length) };
};
// One scenario's block at a time is kept: memory does not grow with what was looked at.
const blockOf = (at) => {
  if (held.at !== at) held = { at, block: unpack(at) };
  return held.block;
};
