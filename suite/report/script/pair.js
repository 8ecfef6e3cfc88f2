// One pair opened: its cause, every quantity's numbers, and when, how much and where for one quantity.
const quantityRow = (one, cause) => {
  const row = [h("th", { scope: "row" }, h("button.plainly", { type: "button", onclick: () => change({ quantity: one.q }) }, one.q)),
    h("td", badge(one.v), one.c && one.c !== cause ? h("p.soft", one.c) : null)];
  if (one.i) row.push(h("td", { colspan: 5 }, one.i));
  else if (one.b) row.push(h("td", { colspan: 5 }, "0, at every stored step"));
  else {
    const column = (at) => one.n.map((metric) => (at ? number(metric[at]) : metric[at])).join("\n");
    row.push(...upTo(4).map((at) => h("td.n", column(at))), h("td.n", one.f || "–"));
  }
  return h("tr", row);
};
const quantityTable = (found, cause) => region("Every quantity of this pair", numbersTable(
  "After the last step. Limit: the largest distance that is rounding. First step: the first stored one beyond it, or else not bit-equal.",
  ["Quantity", "Verdict", "Metric", "Distance", "Limit", "Float64 runs", "First step"], found.map((one) => quantityRow(one, cause))));
const chosenOf = (found) => found.find((one) => one.q === state.quantity)
  ?? found.toSorted((one, other) => other.v - one.v || (other.k !== undefined) - (one.k !== undefined))[0];
const figuresOf = (one, block) => {
  const found = [];
  if (one.k !== undefined) found.push(whenFigure(one, block));
  if (one.h) found.push(muchFigure(one));
  if (one.l !== undefined) found.push(whereFigure(one, block));
  else if (one.t) found.push(h("div.panel.wide", farTable(one, block, [])));
  if (!found.length) {
    const why = one.b ? ": every bit is equal at every stored step" : DATA.leftOut ? `: this report is large, and ${DATA.leftOut}` : "";
    found.push(h("p.soft", `Nothing to draw${why}.`));
  }
  return h("div.figures", ...found);
};
// Where single steps decided, they are shown first: a curve of whole training may lie inside of its rounding.
const stepsTable = (scenario, sides, [one, other, where, states, measured]) => region("One training step against float64", numbersTable(
  `One float32 step of each side from a common state, against the same step in float64${where ? ` (${where})` : ""}; from ${states} of ${measured} states.`,
  ["Run", "Distance from float64"], sides.map((run, at) => line(scenario.runs[run][1], at ? other : one))));
let drawn = 0;
const drawPair = async (focus) => {
  const section = byId("pair");
  const scenario = now();
  section.hidden = state.a < 0;
  if (state.a < 0) return;
  const at = placeOf(state.a, state.b, scenario.runs.length);
  const verdict = verdictAt(scenario, at, "");
  const [a, b] = [state.a, state.b].toSorted((one, other) => one - other);
  const cause = DATA.causes[scenario.c[at]] ?? "";
  const off = scenario.off[at];
  const heading = h("h3", { tabindex: -1 }, verdict === null ? "" : badge(verdict), ` ${scenario.runs[a][1]} – ${scenario.runs[b][1]}`);
  const top = [heading, h("p", `${scenario.name}: ${verdict === null ? "these runs are not compared" : word(verdict)}${cause ? `: ${cause}` : ""}${scenario.d[at] ? ` (${scenario.d[at]})` : ""}.${off ? ` ${off} differs.` : ""}`)];
  const turn = (drawn += 1);
  const block = await blockOf(state.scenario);
  if (turn !== drawn) return;
  const found = block.pairs[at] ?? [];
  if (scenario.steps[at]) top.push(stepsTable(scenario, [a, b], scenario.steps[at]));
  if (found.length) {
    const one = chosenOf(found);
    const free = [h("h4", one.q), one.m ? h("p.soft", `${one.m}: ${DATA.metrics[one.m]}.`) : "", figuresOf(one, block), quantityTable(found, cause)];
    top.push(...(scenario.steps[at] ? [h("details", h("summary", "Whole training, which decided nothing"), ...free)] : free));
  }
  section.replaceChildren(...top);
  if (focus) heading.focus();
};
