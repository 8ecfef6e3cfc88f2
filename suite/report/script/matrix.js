// Every run against every run: one tab stop, arrow keys inside, Enter opens the pair.
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const cellOf = (scenario, a, b) => {
  const thick = b && scenario.runs[b][2] !== scenario.runs[b - 1][2] ? " thick" : "";
  if (a === b) return html("td", { class: `self${thick}` });
  const place = placeOf(a, b, scenario.runs.length);
  const verdict = verdictAt(scenario, place, state.quantity);
  if (verdict === null) return html("td", { class: `none${thick}` });
  let [style, text] = [fill(verdict), mark(verdict)];
  const code = codeAt(scenario, place, state.quantity);
  if (state.show === "magnitude" && code > EQUAL && code < MISSING) {
    [style, text] = [`m${classOf(code)}`, String(decadeOf(code)).replace("-", "−")];
  }
  const open = (state.a === a && state.b === b) || (state.a === b && state.b === a);
  const name = `${scenario.runs[a][1]} – ${scenario.runs[b][1]}: ${word(verdict)}${state.show === "magnitude" ? `, ${about(code)}` : ""}`;
  const link = html("a", { href: addressOf({ a, b }), "aria-label": `${text} ${name}`, "aria-current": open && "true", tabindex: -1 }, text);
  return html("td", { class: `${style}${thick}` }, link);
};
const legend = () => {
  const classes = [...Array(10).keys()].map((place) => html("span", { class: `mark m${place}` }, String(place - 9).replace("-", "−")));
  return html("p", { class: "scale small" }, html("span", { class: "mark identical" }, "="), "exactly equal, then powers of ten: ",
    ...classes, " The first holds all that is smaller, the last all that is larger.");
};
const drawMatrix = () => {
  const scenario = scenarioNow();
  const runs = scenario.runs;
  const what = `${state.quantity || "the worst of all quantities"}, ${state.show === "magnitude" ? "powers of ten of the distance after the last step" : "verdicts"}`;
  const head = runs.map((run, b) => html("th", { scope: "col", class: `up${b && run[2] !== runs[b - 1][2] ? " thick" : ""}` }, run[1]));
  const rows = runs.map((run, a) => html("tr", { class: a && run[2] !== runs[a - 1][2] ? "rule" : null },
    html("th", { scope: "row" }, run[1]), ...runs.map((_, b) => cellOf(scenario, a, b))));
  const table = html("table", { class: "grid matrix", onkeydown: walk, onfocusin: rove },
    html("caption", {}, `${scenario.name}: ${what}. Arrow keys move, Enter opens the pair.`),
    html("thead", {}, html("tr", {}, html("td"), ...head)), html("tbody", {}, ...rows));
  const current = table.querySelector("a[aria-current]") ?? table.querySelector("td a");
  if (current) current.tabIndex = 0;
  byId("matrix").replaceChildren(html("p", { class: "soft" }, scenario.about),
    html("div", { class: "panel" }, table), ...(state.show === "magnitude" ? [legend()] : []));
};
const rove = (event) => {
  if (event.target.tagName !== "A") return;
  for (const link of event.currentTarget.querySelectorAll("a[tabindex='0']")) link.tabIndex = -1;
  event.target.tabIndex = 0;
};
const walk = (event) => {
  const [down, right] = STEPS[event.key] ?? [0, 0];
  let cell = event.target.closest("td");
  if (!cell || !(down || right)) return;
  event.preventDefault();
  do {
    cell = event.currentTarget.rows[cell.parentElement.rowIndex + down]?.cells[cell.cellIndex + right];
    if (down && cell && !cell.closest("tbody")) return;
  } while (cell && !cell.querySelector("a"));
  cell?.querySelector("a")?.focus();
};
