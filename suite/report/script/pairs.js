// Every pair of every scenario: filtered by words, sorted by any column, a few rows at a time.
const ROWS = 25;
const COLUMNS = [["Verdict", (one) => -rank(one.verdict)], ["Scenario", (one) => one.scenario], ["Pair", (one) => one.name],
  ["Decided by", (one) => -one.code], ["Cause", (one) => one.cause]];
const list = { sort: 0, down: false, count: ROWS, words: "", all: [], table: null };
const everyPair = () => DATA.scenarios.flatMap((scenario, at) => pairsOf(scenario).map(([a, b, spot]) => {
  const [verdict, code] = [verdictAt(scenario, spot, ""), codeAt(scenario, spot, "")];
  const one = { at, a, b, verdict, code: code < MISSING ? code : -1, scenario: scenario.name, decided: scenario.d[spot],
    name: `${scenario.runs[a][1]} – ${scenario.runs[b][1]}`, cause: DATA.causes[scenario.c[spot]] ?? "" };
  return { ...one, words: `${mark(verdict)} ${word(verdict)} ${one.scenario} ${one.name} ${one.decided} ${one.cause}`.toLowerCase() };
}));
const pairRow = (one) => h("tr", h("td", badge(one.verdict)), h("td", one.scenario),
  h("th", { scope: "row" }, h("a", { href: addressOf({ scenario: one.at, a: one.a, b: one.b, quantity: "", reference: -1 }) }, one.name)),
  h("td", one.decided), h("td", one.cause));
const fillTable = (changes) => {
  Object.assign(list, { count: ROWS }, changes);
  const wanted = list.words.toLowerCase().split(/\s+/);
  const sign = list.down ? -1 : 1;
  const found = list.all.filter((one) => wanted.every((part) => one.words.includes(part)))
    .map((one) => [COLUMNS[list.sort][1](one), one]).toSorted(([one], [other]) => sign * ((one > other) - (one < other)));
  list.table.tBodies[0].replaceChildren(...found.slice(0, list.count).map(([, one]) => pairRow(one)));
  [...list.table.rows[0].cells].forEach((head, at) => head.setAttribute("aria-sort", at !== list.sort ? "none" : list.down ? "descending" : "ascending"));
  byId("found").textContent = `${found.length} of ${list.all.length} pairs${found.length > list.count ? `, the first ${list.count} shown` : ""}`;
  byId("more").hidden = found.length <= list.count;
};
const drawTable = () => {
  list.all = everyPair();
  const heads = COLUMNS.map(([title], at) => h("button.plainly", { type: "button", onclick: () => fillTable({ sort: at, down: list.sort === at && !list.down }) }, title));
  list.table = numbersTable("A heading sorts, a pair opens", heads, []);
  byId("table").replaceChildren(h("p.switches", h("label", "Filter by words ", h("input", { type: "search", placeholder: "different torch", oninput: (event) => fillTable({ words: event.target.value }) })),
    h("span", { role: "status", id: "found" })), region("All pairs", list.table),
  h("p", h("button", { type: "button", id: "more", onclick: () => fillTable({ count: list.count + ROWS }) }, `Show ${ROWS} more`)));
  fillTable();
};
