// Runs and layers against one run: a canvas with a keyboard cursor, a readout, and a table instead.
const ROW = 16;
const cursor = { row: 0, layer: 0 };
let map = null;
const mapQuantity = (block) => {
  const has = (name) => block.pairs.some((pair) => pair?.some((one) => one.q === name && one.l !== undefined));
  return [state.quantity, ...DATA.quantities].find((name) => name && has(name));
};
const rowsOf = (block, quantity, reference) => now().runs.map((run, at) => {
  const one = at === reference ? null : block.pairs[placeOf(at, reference, now().runs.length)]?.find((found) => found.q === quantity);
  const codes = one?.b ? new Uint8Array(block.layers.length) : one?.l === undefined ? null : block.codes.subarray(one.l, one.l + block.layers.length);
  return { run: run[1], codes };
});
const paint = () => {
  if (!map) return;
  const { canvas, rows, layers } = map;
  const probe = h("i", { hidden: true });
  document.body.append(probe);
  const colour = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
  const colours = upTo(10).map((at) => colour(`m${at}`));
  const [equal, edge, focus] = [colour("identical"), colour("line"), colour("link")];
  probe.remove();
  const wide = Math.max(1, Math.min(90, Math.floor(990 / layers.length)));
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
const moveTo = (row, layer) => {
  const clamp = (value, count) => Math.min(Math.max(value, 0), count - 1);
  Object.assign(cursor, { row: clamp(row, map.rows.length), layer: clamp(layer, map.layers.length) });
  paint();
};
const moveCursor = (event) => {
  const [down, right] = ARROWS[event.key] ?? (event.key === "Home" ? [0, -1e9] : event.key === "End" ? [0, 1e9] : [0, 0]);
  if (!(down || right)) return;
  event.preventDefault();
  moveTo(cursor.row + down, cursor.layer + right);
};
const pointCursor = (event) => {
  const box = map.canvas.getBoundingClientRect();
  const share = (from, size, count) => Math.floor((from / size) * count);
  moveTo(share(event.clientY - box.top, box.height, map.rows.length), share(event.clientX - box.left, box.width, map.layers.length));
};
const mapTable = (rows, layers) => numbersTable("As a table", ["Run", "Layers that differ", "Farthest layer", "Distance"],
  rows.map(({ run, codes }) => {
    const { there, apart, worst } = spread(codes ?? []);
    return line(run, codes ? `${apart.length} of ${there.length}` : "–", layers[worst[0]] ?? "–", worst.length ? about(codes[worst[0]]) : "–");
  }));
const drawLayers = async () => {
  const shown = state.scenario;
  const block = await blockOf(shown);
  if (shown !== state.scenario) return;
  const quantity = mapQuantity(block);
  byId("layers").hidden = !quantity;
  map = null;
  if (!quantity) return;
  const runs = now().runs;
  const reference = Math.max(0, state.reference);
  const rows = rowsOf(block, quantity, reference);
  const differ = rows.filter(({ codes }) => codes && spread(codes).apart.length).length;
  const sentence = `${now().name}, ${quantity}: ${differ} of ${rows.length - 1} other runs differ from ${runs[reference][1]} in some of ${block.layers.length} layers`;
  const canvas = h("canvas", { "aria-hidden": "true" });
  const select = h("select", { onchange: (event) => change({ reference: event.target.selectedIndex }) },
    ...runs.map((run, at) => h("option", { selected: at === reference }, run[1])));
  const names = h("ol.rows", { "aria-hidden": "true" }, rows.map(({ run }) => h("li", run)));
  map = { canvas, rows, layers: block.layers };
  byId("map").replaceChildren(h("p", h("label", "Against ", select)), h("div.panel",
    h("div.map", { role: "application", "aria-roledescription": "map", tabindex: 0, "aria-label": `${sentence}. Arrow keys move the cursor.`, onkeydown: moveCursor, onclick: pointCursor }, names, h("div", canvas, block.layers.length > 11 ? null : h("ol.rows.columns", { "aria-hidden": "true" }, block.layers.map((name) => h("li", name))))),
    h("p", { role: "status", id: "readout" }), h("p", `${sentence}. Columns are layers in order, after the last step.`), legend(), later("As a table", () => mapTable(rows, block.layers))));
  moveTo(cursor.row, cursor.layer);
};
