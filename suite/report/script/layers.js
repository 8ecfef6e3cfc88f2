// Runs and layers against one run: a canvas with a keyboard cursor, a readout, and a table instead.
const ROW = 16;
const cursor = { row: 0, layer: 0 };
let map = null;
const mapQuantity = (block) => {
  const has = (name) => block.pairs.some((pair) => pair?.some((one) => one.q === name && one.l !== undefined));
  return [state.quantity, ...DATA.quantities].find((name) => name && has(name));
};
const rowsOf = (block, quantity, reference) => scenarioNow().runs.map((run, place) => {
  const one = place === reference ? null : block.pairs[placeOf(place, reference, scenarioNow().runs.length)]?.find((found) => found.q === quantity);
  if (one?.b) return { run: run[1], equal: true, codes: new Uint8Array(block.layers.length) };
  return { run: run[1], codes: one?.l === undefined ? null : block.codes.subarray(one.l, one.l + block.layers.length) };
});
const paint = () => {
  if (!map) return;
  const { canvas, rows, layers } = map;
  const style = getComputedStyle(document.documentElement);
  const probe = html("i", { hidden: true });
  document.body.append(probe);
  const colour = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
  const colours = [...Array(10).keys()].map((place) => colour(`m${place}`));
  const [equal, edge, focus] = [colour("identical"), colour("line"), colour("link")];
  probe.remove();
  const wide = Math.max(1, Math.min(24, Math.floor(1000 / layers.length)));
  canvas.width = wide * layers.length;
  canvas.height = ROW * rows.length;
  const pen = canvas.getContext("2d");
  rows.forEach(({ codes }, row) => layers.forEach((_, layer) => {
    const code = codes ? codes[layer] : MISSING;
    pen.fillStyle = code === MISSING ? edge : code === EQUAL ? equal : code === INVALID ? focus : colours[classOf(code)];
    pen.fillRect(layer * wide, row * ROW, wide, ROW - 1);
  }));
  pen.strokeStyle = focus;
  pen.lineWidth = 2;
  pen.strokeRect(cursor.layer * wide - 1, cursor.row * ROW, Math.max(wide, 4) + 2, ROW - 1);
  const { run, codes } = rows[cursor.row];
  byId("readout").textContent = `${layers[cursor.layer]} (layer ${cursor.layer}), ${run}: ${codes ? about(codes[cursor.layer]) : "the reference itself, or no numbers"}`;
};
const moveCursor = (event) => {
  const [down, right] = STEPS[event.key] ?? (event.key === "Home" ? [0, -1e9] : event.key === "End" ? [0, 1e9] : [0, 0]);
  if (!(down || right)) return;
  event.preventDefault();
  cursor.row = Math.min(Math.max(cursor.row + down, 0), map.rows.length - 1);
  cursor.layer = Math.min(Math.max(cursor.layer + right, 0), map.layers.length - 1);
  paint();
};
const pointCursor = (event) => {
  const box = map.canvas.getBoundingClientRect();
  cursor.layer = Math.min(map.layers.length - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * map.layers.length)));
  cursor.row = Math.min(map.rows.length - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * map.rows.length)));
  paint();
};
const mapTable = (rows, layers) => html("table", { class: "numbers" }, html("caption", {}, "The same as a table"),
  html("thead", {}, html("tr", {}, ...["Run", "Layers that differ", "Farthest layer", "Distance"].map((title) => html("th", { scope: "col" }, title)))),
  html("tbody", {}, ...rows.map(({ run, codes }) => {
    const there = codes ? [...codes.keys()].filter((place) => codes[place] !== MISSING) : [];
    const apart = there.filter((place) => codes[place] !== EQUAL);
    const worst = apart.reduce((best, place) => (best < 0 || codes[place] > codes[best] ? place : best), -1);
    return html("tr", {}, html("th", { scope: "row" }, run), html("td", {}, codes ? `${apart.length} of ${there.length}` : "–"),
      html("td", {}, worst < 0 ? "–" : layers[worst]), html("td", { class: "n" }, worst < 0 ? "–" : about(codes[worst])));
  })));
const drawLayers = async () => {
  const shown = state.scenario;
  const block = await blockOf(shown);
  if (shown !== state.scenario) return;
  const quantity = mapQuantity(block);
  byId("layers").hidden = !quantity;
  map = null;
  if (!quantity) return;
  const runs = scenarioNow().runs;
  const reference = Math.max(0, state.reference);
  const rows = rowsOf(block, quantity, reference);
  Object.assign(cursor, { row: Math.min(cursor.row, rows.length - 1), layer: Math.min(cursor.layer, block.layers.length - 1) });
  const differ = rows.filter(({ codes }) => codes && [...codes].some((code) => code !== EQUAL && code !== MISSING)).length;
  const sentence = `${scenarioNow().name}, ${quantity}: ${differ} of ${rows.length - 1} other runs differ from ${runs[reference][1]} in some of ${block.layers.length} layers`;
  const canvas = html("canvas", { "aria-hidden": "true" });
  const select = html("select", { onchange: (event) => change({ reference: event.target.selectedIndex }) },
    ...runs.map((run, place) => html("option", { selected: place === reference }, run[1])));
  const names = html("ol", { class: "rows", "aria-hidden": "true" }, ...rows.map(({ run }) => html("li", {}, run)));
  map = { canvas, rows, layers: block.layers };
  byId("map").replaceChildren(html("p", {}, html("label", {}, "Against ", select)), html("div", { class: "panel" },
    html("div", { class: "map", role: "application", "aria-roledescription": "map", tabindex: 0, "aria-label": `${sentence}. Arrow keys move the cursor.`, onkeydown: moveCursor, onclick: pointCursor }, names, canvas),
    html("p", { role: "status", id: "readout" }), html("p", {}, `${sentence}. Columns are layers in the model's order, after the last step.`), legend(), later("As a table", () => mapTable(rows, block.layers))));
  paint();
};
