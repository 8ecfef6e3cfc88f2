// The checks of the chosen scenario: a row for each run, a column for each kind; below, their causes.
const drawSaved = () => {
  const scenario = now();
  const { columns, cells: found } = scenario.checks;
  const show = (...nodes) => byId("checks").replaceChildren(...nodes);
  if (!columns.length) return show(h("p", `${scenario.name}: no run has a saved model.`));
  const causes = new Map();
  for (const [run, column, verdict, cause] of found) {
    if (cause < 0) continue;
    const key = `${verdict} ${cause}`;
    if (!causes.has(key)) causes.set(key, { verdict, cause, names: [] });
    causes.get(key).names.push(`${scenario.runs[run][1]} (${columns[column]})`);
  }
  const row = (run, at) => {
    const own = found.filter((cell) => cell[0] === at);
    return own.length ? h("tr", h("th", { scope: "row" }, run[1]), columns.map((_, column) => {
      const cell = own.find((one) => one[1] === column);
      return cell ? h("td", { class: fill(cell[2]) }, `${mark(cell[2])} ${word(cell[2])}`, cell[4] ? h("small", ` ${cell[4]}`) : null) : h("td.none");
    })) : null;
  };
  const table = numbersTable(`${scenario.name}: the checks of every run`, ["Run", ...columns], scenario.runs.map(row).filter(Boolean));
  table.className = "grid checks";
  const lines = [...causes.values()].toSorted((one, other) => rank(other.verdict) - rank(one.verdict)).map(({ verdict, cause, names }) =>
    h("p.soft.small", h("b", `${mark(verdict)} ${DATA.causes[cause]}`), `: ${names.join(", ")}`));
  show(region(`Saved models of ${scenario.name}`, table, lines));
};
