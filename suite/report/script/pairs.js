// Every pair and check of every scenario: filtered, searched, sorted by any column, a few rows at a time.
const ROWS = 25;
const COLUMNS = [["Verdict", (one) => -rank(one.at)], ["Scenario", (one) => one.scenario], ["Comparison", (one) => one.name],
  ["Decided by", (one) => -one.code], ["Cause", (one) => one.cause]];
const list = { sort: 0, down: false, count: ROWS, words: "", verdict: "", environment: "", scenario: "", cause: "", all: [], table: null };
const FILTERS = ["verdict", "environment", "scenario", "cause"];
const row = (at, one) => ({ ...one, at, verdict: [word(at), DATA.verdicts[at][3]], words: `${mark(at)} ${word(at)} ${one.scenario} ${one.name} ${one.decided} ${one.cause}`.toLowerCase() });
const pairsIn = (scenario, at) => pairsOf(scenario).map(([a, b, spot]) => {
  const [verdict, code] = [verdictAt(scenario, spot, ""), codeAt(scenario, spot, "")];
  return row(verdict, { code: code < MISSING ? code : -1, scenario: [scenario.name], decided: scenario.d[spot],
    environment: [scenario.runs[a][2], scenario.runs[b][2]], address: () => addressOf({ scenario: at, a, b, quantity: "", reference: -1 }),
    name: `${scenario.runs[a][1]} – ${scenario.runs[b][1]}`, cause: [DATA.causes[scenario.c[spot]] ?? ""] });
});
const checksIn = (scenario) => scenario.checks.cells.map(([run, column, verdict, cause, decided]) => row(verdict, { code: -1, scenario: [scenario.name], decided,
  environment: [scenario.runs[run][2]], address: () => `#${new URLSearchParams({ scenario: scenario.name, at: "saved" })}`,
  name: `${scenario.runs[run][1]}: ${scenario.checks.columns[column]}`, cause: [DATA.causes[cause] ?? ""] }));
const everything = () => DATA.scenarios.flatMap((scenario, at) => [...pairsIn(scenario, at), ...checksIn(scenario)]);
const tableRow = (one) => h("tr", h("td", badge(one.at)), h("td.n", one.scenario),
  h("th", { scope: "row" }, h("a", { href: one.address() }, one.name)), h("td", one.decided), h("td", one.cause));
const passes = (one, wanted) => FILTERS.every((name) => !list[name] || one[name].includes(list[name])) && wanted.every((part) => one.words.includes(part));
const fillTable = (changes) => {
  Object.assign(list, { count: ROWS }, changes);
  if (!list.table) return;
  for (const name of FILTERS) byId(`by-${name}`).value = list[name];
  const wanted = list.words.toLowerCase().split(/\s+/);
  const sign = list.down ? -1 : 1;
  const found = list.all.filter((one) => passes(one, wanted))
    .map((one) => [COLUMNS[list.sort][1](one), one]).toSorted(([one], [other]) => sign * ((one > other) - (one < other)));
  list.table.tBodies[0].replaceChildren(...found.slice(0, list.count).map(([, one]) => tableRow(one)));
  [...list.table.rows[0].cells].forEach((head, at) => head.setAttribute("aria-sort", at !== list.sort ? "none" : list.down ? "descending" : "ascending"));
  byId("found").textContent = `${found.length} of ${list.all.length} comparisons${found.length > list.count ? `, the first ${list.count} shown` : ""}`;
  byId("more").hidden = found.length <= list.count;
};
const filter = (name) => h("label", `${name} `, h("select", { id: `by-${name}`, onchange: (event) => fillTable({ [name]: event.target.value }) },
  h("option", { value: "" }, "all"), [...new Set(list.all.flatMap((one) => one[name]))].filter(Boolean).map((value) => h("option", value))));
const drawTable = () => {
  list.all = everything();
  const heads = COLUMNS.map(([title], at) => h("button.plainly", { type: "button", onclick: () => fillTable({ sort: at, down: list.sort === at && !list.down }) }, title));
  list.table = numbersTable("A heading sorts, a comparison opens", heads, []);
  byId("table").replaceChildren(h("p.switches", h("label", "Search ", h("input", { type: "search", oninput: (event) => fillTable({ words: event.target.value }) })),
    FILTERS.map(filter)), h("p", { role: "status", id: "found" }), region("All comparisons", list.table),
  h("p", h("button", { type: "button", id: "more", onclick: () => fillTable({ count: list.count + ROWS }) }, `Show ${ROWS} more`)));
  fillTable();
};
