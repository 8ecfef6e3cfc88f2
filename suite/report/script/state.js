// What is shown lives in the address, by name, so that a link shows the same: #scenario=...&a=...&b=...&quantity=...&show=...
const state = { scenario: 0, quantity: "", show: "verdict", a: -1, b: -1, reference: -1, verdict: "", find: "", sort: "", };
const scenarioNow = () => DATA.scenarios[state.scenario];
const rank = (verdict) => (verdict === NOT_RUN ? -1 : verdict);
const choosePair = () => {
  const scenario = scenarioNow();
  const n = scenario.runs.length;
  let worst = -2;
  [state.a, state.b] = [-1, -1];
  for (let a = 0; a < n; a += 1) {
    for (let b = a + 1; b < n; b += 1) {
      const verdict = verdictAt(scenario, placeOf(a, b, n), "");
      if (verdict !== null && rank(verdict) > worst) [worst, state.a, state.b] = [rank(verdict), a, b];
    }
  }
};
const readState = () => {
  const given = new URLSearchParams(location.hash.slice(1));
  const place = DATA.scenarios.findIndex((one) => one.name === given.get("scenario"));
  if (place < 0) return false;
  const scenario = DATA.scenarios[place];
  const run = (name) => scenario.runs.findIndex((one) => one[0] === given.get(name));
  const moved = place !== state.scenario;
  state.scenario = place;
  state.quantity = given.get("quantity") in scenario.q ? given.get("quantity") : "";
  state.show = given.get("show") === "magnitude" ? "magnitude" : "verdict";
  state.reference = run("reference") >= 0 ? run("reference") : moved ? -1 : state.reference;
  if (run("a") >= 0 && run("b") >= 0 && run("a") !== run("b")) [state.a, state.b] = [run("a"), run("b")];
  else choosePair();
  return true;
};
const addressOf = (changes) => {
  const wanted = { ...state, ...changes };
  const scenario = DATA.scenarios[wanted.scenario];
  const parts = new URLSearchParams({ scenario: scenario.name });
  if (wanted.a >= 0 && wanted.b >= 0) {
    parts.set("a", scenario.runs[wanted.a][0]);
    parts.set("b", scenario.runs[wanted.b][0]);
  }
  if (wanted.quantity) parts.set("quantity", wanted.quantity);
  if (wanted.show !== "verdict") parts.set("show", wanted.show);
  if (wanted.reference >= 0) parts.set("reference", scenario.runs[wanted.reference][0]);
  return `#${parts}`;
};
// A switch replaces the address: going back leads to the last pair, not through every position of a switch.
const change = (changes) => {
  const moved = "scenario" in changes && changes.scenario !== state.scenario;
  Object.assign(state, changes);
  if (moved) {
    state.reference = -1;
    if (!(state.quantity in scenarioNow().q)) state.quantity = "";
    choosePair();
  }
  history.replaceState(null, "", addressOf({}));
  drawAll();
};
