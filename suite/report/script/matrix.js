// Every run against every run: one tab stop, arrow keys inside, Enter opens the pair.
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const sized = () => state.show === "magnitude";
const starts = (b) => b && now().runs[b][2] !== now().runs[b - 1][2];
const cellOf = (scenario, a, b) => {
  const thick = starts(b) ? " thick" : "";
  if (a === b) return h("td", { class: `self${thick}` });
  const at = placeOf(a, b, scenario.runs.length);
  const verdict = verdictAt(scenario, at, state.quantity);
  if (verdict === null) return h("td", { class: `none${thick}` });
  const code = codeAt(scenario, at, state.quantity);
  const [style, text] = sized() && code > EQUAL && code < MISSING ? [`m${classOf(code)}`, power(decadeOf(code))] : [fill(verdict), mark(verdict)];
  const open = at === placeOf(state.a, state.b, scenario.runs.length);
  const name = `${scenario.runs[a][1]} – ${scenario.runs[b][1]}: ${word(verdict)}${sized() ? `, ${about(code)}` : ""}`;
  const link = h("a", { href: addressOf({ a, b }), "aria-label": `${text} ${name}`, "aria-current": open && "true", tabindex: -1 }, text);
  return h("td", { class: `${style}${thick}` }, link);
};
const power = (decade) => String(decade).replace("-", "−");
const legend = () => {
  const classes = upTo(10).map((at) => h("span", { class: `mark m${at}` }, power(at - 9)));
  return h("p.scale.small", h("span.mark.identical", "="), "exactly equal, then powers of ten: ",
    ...classes, " The first holds all below, the last all above.");
};
const drawMatrix = () => {
  const scenario = now();
  const runs = scenario.runs;
  const what = `${state.quantity || "the worst of all quantities"}, ${sized() ? "powers of ten of the distance after the last step" : "verdicts"}`;
  const head = runs.map((run, b) => h("th", { scope: "col", class: `up${starts(b) ? " thick" : ""}` }, run[1]));
  const rows = runs.map((run, a) => h("tr", { class: starts(a) ? "rule" : null },
    h("th", { scope: "row" }, run[1]), runs.map((_, b) => cellOf(scenario, a, b))));
  const table = h("table.grid.matrix", { onkeydown: walk, onfocusin: rove },
    h("caption", `${scenario.name}: ${what}. Arrow keys move, Enter opens the pair.`), h("thead", h("tr", h("td"), head)), h("tbody", rows));
  const current = table.querySelector("a[aria-current]") ?? table.querySelector("td a");
  if (current) current.tabIndex = 0;
  byId("matrix").replaceChildren(h("p.soft", scenario.about),
    h("div.panel", table), sized() ? legend() : "");
};
const rove = (event) => {
  if (event.target.tagName !== "A") return;
  for (const link of event.currentTarget.querySelectorAll("a[tabindex='0']")) link.tabIndex = -1;
  event.target.tabIndex = 0;
};
const walk = (event) => {
  const [down, right] = ARROWS[event.key] ?? [0, 0];
  let cell = event.target.closest("td");
  if (!cell || !(down || right)) return;
  event.preventDefault();
  do {
    cell = event.currentTarget.rows[cell.parentElement.rowIndex + down]?.cells[cell.cellIndex + right];
    if (down && cell && !cell.closest("tbody")) return;
  } while (cell && !cell.querySelector("a"));
  cell?.querySelector("a")?.focus();
};
