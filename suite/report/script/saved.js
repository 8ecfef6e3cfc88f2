// The chosen scenario's runs seen another way.
const drawSaved = () => {
  const scenario = scenarioNow();
  const { columns, cells } = scenario.views;
  if (!columns.length) {
    byId("views").replaceChildren(html("p", {}, `${scenario.name}: no run has a saved model.`));
    return;
  }
  const causes = new Map();
  for (const [run, column, verdict, cause] of cells) {
    if (cause < 0) continue;
    const key = `${String(verdict)} ${cause}`;
    if (!causes.has(key)) causes.set(key, { verdict, cause, names: [] });
    causes.get(key).names.push(`${scenario.runs[run][1]} (${columns[column]})`);
  }
  const row = (run, place) => {
    const own = cells.filter((cell) => cell[0] === place);
    if (!own.length) return null;
    return html("tr", {}, html("th", { scope: "row" }, run[1]), ...columns.map((_, column) => {
      const cell = own.find((one) => one[1] === column);
      if (!cell) return html("td", { class: "none" });
      return html("td", { class: fill(cell[2]) }, `${mark(cell[2])} ${word(cell[2])}`, cell[4] ? html("small", {}, ` ${cell[4]}`) : null);
    }));
  };
  const table = html("table", { class: "grid views" }, html("caption", {}, `${scenario.name}: every run seen another way`),
    html("thead", {}, html("tr", {}, html("td"), ...columns.map((name) => html("th", { scope: "col" }, name)))),
    html("tbody", {}, ...scenario.runs.map(row)));
  const lines = [...causes.values()].sort((one, other) => rank(other.verdict) - rank(one.verdict)).map(({ verdict, cause, names }) =>
    html("p", { class: "soft small" }, html("b", {}, `${mark(verdict)} ${DATA.causes[cause]}`), `: ${names.join(", ")}`));
  byId("views").replaceChildren(html("div", { class: "panel", tabindex: 0, role: "region", "aria-label": `Saved models of ${scenario.name}` }, table, ...lines));
};
