// One pair opened: its cause, every quantity's numbers, and when, how much and where for one quantity.
const quantityRow = (one, pair) => {
  const cells = [html("th", { scope: "row" }, html("button", { type: "button", class: "plainly", onclick: () => change({ quantity: one.q }) }, one.q)),
    html("td", {}, badge(one.v), one.c && one.c !== pair.cause ? html("p", { class: "soft" }, one.c === "unknown" ? "cause not known" : one.c) : null)];
  if (one.i) cells.push(html("td", { colspan: 5 }, one.i));
  else if (one.b) cells.push(html("td", { colspan: 5 }, "0, at every stored step"));
  else {
    const column = (place) => one.n.map((row) => (row[place] === null ? "–" : place ? number(row[place]) : row[place])).join("\n");
    cells.push(...[0, 1, 2, 3].map((place) => html("td", { class: place ? "n" : "n names-of" }, column(place))), html("td", { class: "n" }, one.f ? String(one.f) : "–"));
  }
  return html("tr", {}, ...cells);
};
const quantityTable = (found, pair) => html("div", { class: "panel", tabindex: 0, role: "region", "aria-label": "Every quantity of this pair" },
  html("table", { class: "numbers" }, html("caption", {}, "How far apart after the last step. Limit: the largest distance that is rounding at the judged step. First step: the first stored one that is not bit-equal or, where it is worse than rounding, beyond its limit."),
    html("thead", {}, html("tr", {}, ...["Quantity", "Verdict", "Metric", "Distance", "Limit", "Twins", "First step"].map((title) => html("th", { scope: "col" }, title)))),
    html("tbody", {}, ...found.map((one) => quantityRow(one, pair)))));
const chosenOf = (found) => found.find((one) => one.q === state.quantity)
  ?? [...found].sort((one, other) => other.v - one.v || (other.k !== undefined) - (one.k !== undefined))[0];
const figuresOf = (one, block) => {
  const found = [];
  if (one.k !== undefined) found.push(whenFigure(one, block));
  if (one.h) found.push(muchFigure(one));
  if (one.l !== undefined) found.push(whereFigure(one, block));
  else if (one.t) found.push(html("div", { class: "panel wide" }, farTable(one, block, [])));
  if (!found.length) {
    const why = one.i ? "There are no numbers to draw." : one.b ? "Every bit is equal at every stored step: there is nothing to draw." : `Nothing to draw${DATA.leftOut ? `: this report is large, and ${DATA.leftOut}` : ""}.`;
    found.push(html("p", { class: "soft" }, why));
  }
  return html("div", { class: "figures" }, ...found);
};
let drawn = 0;
const drawPair = async (focus) => {
  const section = byId("pair");
  const scenario = scenarioNow();
  section.hidden = state.a < 0;
  if (state.a < 0) return;
  const place = placeOf(state.a, state.b, scenario.runs.length);
  const verdict = verdictAt(scenario, place, "");
  const [a, b] = [Math.min(state.a, state.b), Math.max(state.a, state.b)];
  const cause = scenario.c[place] >= 0 ? DATA.causes[scenario.c[place]] : "";
  const off = scenario.off[place];
  const heading = html("h3", { tabindex: -1 }, verdict === null ? "" : badge(verdict), ` ${scenario.runs[a][1]} – ${scenario.runs[b][1]}`);
  const top = [heading, html("p", {}, `${scenario.name}: ${verdict === null ? "these runs are not compared" : word(verdict)}${cause ? `: ${cause}` : ""}${scenario.d[place] ? ` (${scenario.d[place]})` : ""}.${off ? ` Off: ${off}.` : ""}`)];
  const turn = (drawn += 1);
  const block = await blockOf(state.scenario);
  if (turn !== drawn) return;
  const found = block.pairs[place] ?? [];
  if (found.length) {
    const one = chosenOf(found);
    top.push(html("h4", {}, one.q, one.m ? `, ${one.m}` : ""), one.m && DATA.metrics[one.m] ? html("p", { class: "soft" }, `${one.m}: ${DATA.metrics[one.m]}.`) : "", figuresOf(one, block), quantityTable(found, { cause }));
  }
  section.replaceChildren(...top);
  if (focus) heading.focus();
};
