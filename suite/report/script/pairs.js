// Every pair of every scenario: filtered by words and verdict, sorted by any column, a few rows at a time.
const ROWS = 25;
const COLUMNS = [["Verdict", (one) => -rank(one.verdict)], ["Scenario", (one) => one.scenario], ["Pair", (one) => one.name],
  ["Decided by", (one) => -one.code], ["Cause", (one) => one.cause]];
const table = { sort: 0, down: false, count: ROWS, words: "", verdict: "", all: null };
const everyPair = () => (table.all ??= DATA.scenarios.flatMap((scenario, place) => {
  const n = scenario.runs.length;
  const found = [];
  for (let a = 0; a < n; a += 1) {
    for (let b = a + 1; b < n; b += 1) {
      const at = placeOf(a, b, n);
      const verdict = verdictAt(scenario, at, "");
      if (verdict === null) continue;
      const code = codeAt(scenario, at, "");
      found.push({ place, a, b, verdict, code: code < MISSING ? code : -1, scenario: scenario.name, decided: scenario.d[at],
        name: `${scenario.runs[a][1]} – ${scenario.runs[b][1]}`, cause: scenario.c[at] >= 0 ? DATA.causes[scenario.c[at]] : "" });
    }
  }
  return found;
}));
const chosenPairs = () => {
  const wanted = table.words.toLowerCase().split(/\s+/).filter(Boolean);
  const key = COLUMNS[table.sort][1];
  const sign = table.down ? -1 : 1;
  return everyPair().filter((one) => (table.verdict === "" || one.verdict === Number(table.verdict))
      && wanted.every((part) => `${one.scenario} ${one.name} ${one.cause} ${one.decided}`.toLowerCase().includes(part)))
    .map((one) => [key(one), one]).sort(([one], [other]) => sign * (one < other ? -1 : one > other ? 1 : 0)).map(([, one]) => one);
};
const pairRow = (one) => html("tr", {}, html("td", {}, badge(one.verdict)), html("td", {}, one.scenario),
  html("th", { scope: "row" }, html("a", { href: addressOf({ scenario: one.place, a: one.a, b: one.b, quantity: "", reference: -1 }) }, one.name)), html("td", {}, one.decided), html("td", {}, one.cause.split(" (")[0]));
const fillTable = () => {
  const found = chosenPairs();
  byId("rows").replaceChildren(...found.slice(0, table.count).map(pairRow));
  byId("found").textContent = `${found.length} of ${everyPair().length} pairs${found.length > table.count ? `, the first ${table.count} shown` : ""}`;
  byId("more").hidden = found.length <= table.count;
  byId("sorting").querySelectorAll("th").forEach((head, place) => head.setAttribute("aria-sort", place !== table.sort ? "none" : table.down ? "descending" : "ascending"));
};
const refill = (changes) => { Object.assign(table, { count: ROWS }, changes); fillTable(); };
const drawTable = () => {
  if (!everyPair().length) return;
  const heads = COLUMNS.map(([title], place) => html("th", { scope: "col" }, html("button", { type: "button", class: "plainly",
    onclick: () => refill({ sort: place, down: table.sort === place && !table.down }) }, title)));
  const counted = new Set(everyPair().map((one) => one.verdict));
  const options = [html("option", { value: "" }, "every verdict"), ...DATA.verdicts.flatMap(([name, sign], place) => (counted.has(place) ? [html("option", { value: place }, `${sign} ${name}`)] : []))];
  byId("table").replaceChildren(html("p", { class: "switches" }, html("label", {}, "Words ", html("input", { type: "search", oninput: (event) => refill({ words: event.target.value }) })),
    html("label", {}, "Verdict ", html("select", { onchange: (event) => refill({ verdict: event.target.value }) }, ...options)), html("span", { role: "status", id: "found" })),
  html("div", { class: "panel", tabindex: 0, role: "region", "aria-label": "All pairs" }, html("table", { class: "numbers" }, html("caption", {}, "Press a heading to sort, a pair to open it."),
    html("thead", {}, html("tr", { id: "sorting" }, ...heads)), html("tbody", { id: "rows" }))),
  html("p", {}, html("button", { type: "button", id: "more", onclick: () => refill({ count: table.count + ROWS }) }, `Show ${ROWS} more`)));
  fillTable();
};
