// What the page holds: verdicts and sizes of every pair as JSON, and one packed block per scenario for the figures.
const DATA = JSON.parse(document.getElementById("data").textContent);
const [EQUAL, MISSING, INVALID] = [0, 254, 255];
const NOT_RUN = DATA.verdicts.length - 1;
const byId = (id) => document.getElementById(id);
// Names become text nodes and attributes, never markup.
const make = (names, tag, attributes, children) => {
  const node = names ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
};
const html = (tag, attributes, ...children) => make(false, tag, attributes, children);
const svg = (tag, attributes, ...children) => make(true, tag, attributes, children);
// Two digits, and only exactly 0 is printed as 0.
const number = (value) => {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 0.01 && size < 1000) return size < 100 ? String(Number(value.toPrecision(2))) : value.toFixed(0);
  const [mantissa, exponent] = value.toExponential(1).split("e");
  return `${mantissa.replace(".0", "")}e${Number(exponent)}`;
};
const sizeOf = (code) => (code === EQUAL ? 0 : 10 ** (-12 + ((code - 1) / 249) * 15));
const about = (code) => {
  if (code === EQUAL) return "exactly 0";
  if (code === MISSING) return "no number";
  if (code === INVALID) return "not finite";
  return code === 1 ? "at most 1e-12" : `about ${number(Number(sizeOf(code).toPrecision(1)))}`;
};
// One decade per class, 1e-9 to 1e1, both ends open: what is smaller is in the first, what is larger in the last.
const decadeOf = (code) => Math.floor(-12 + ((code - 1) / 249) * 15 + 1e-9);
const classOf = (code) => Math.min(Math.max(decadeOf(code) + 9, 0), 9);
const mark = (verdict) => DATA.verdicts[verdict][1];
const word = (verdict) => DATA.verdicts[verdict][0];
const fill = (verdict) => DATA.verdicts[verdict][2];
const badge = (verdict) => html("span", { class: `badge ${fill(verdict)}` }, `${mark(verdict)} ${word(verdict)}`);
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
// The place of two runs among all pairs of n runs, in the order of the data.
const placeOf = (a, b, n) => {
  const [i, j] = a < b ? [a, b] : [b, a];
  return i * n - (i * (i + 1)) / 2 + (j - i - 1);
};
const verdictAt = (scenario, place, quantity) => {
  const found = (quantity ? scenario.q[quantity]?.v : scenario.v)?.[place];
  if (found !== undefined && found !== ".") return Number(found);
  return quantity && scenario.v[place] === String(NOT_RUN) ? NOT_RUN : null;
};
const codesOf = (scenario, quantity) => {
  const found = scenario.q[quantity];
  return found ? (found.codes ??= bytes(found.m)) : new Uint8Array();
};
// For all quantities: the size of the first of the worst, which is what decided.
const codeAt = (scenario, place, quantity) => {
  if (quantity) return codesOf(scenario, quantity)[place] ?? MISSING;
  const first = Object.keys(scenario.q).find((name) => scenario.q[name].v[place] === scenario.v[place]);
  return first ? codesOf(scenario, first)[place] : MISSING;
};
const blocks = new Map();
const unpack = async (place) => {
  const packed = bytes(byId(`block-${place}`).textContent);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const whole = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(whole.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(4, 4 + length)));
  return { ...header, codes: whole.subarray(4 + length) };
};
// One scenario's block at a time is kept: memory does not grow with what was looked at.
const blockOf = (place) => {
  if (!blocks.has(place)) {
    blocks.clear();
    blocks.set(place, unpack(place));
  }
  return blocks.get(place);
};
