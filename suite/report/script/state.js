// What is shown lives in the address, by name, so that a link shows the same: #scenario=...&a=...&b=...&quantity=...&show=...
const state = { scenario: 0, quantity: "", show: "verdict", a: -1, b: -1, reference: -1 };
const now = () => DATA.scenarios[state.scenario];
const rank = (verdict) => (verdict === NOT_RUN ? -1 : verdict);
const choosePair = () => {
  const worst = (best, one) => (best && rank(Number(now().v[best[2]])) >= rank(Number(now().v[one[2]])) ? best : one);
  [state.a, state.b] = pairsOf(now()).reduce(worst, null) ?? [-1, -1];
};
const readState = () => {
  const given = new URLSearchParams(location.hash.slice(1));
  const at = DATA.scenarios.findIndex((one) => one.name === given.get("scenario"));
  if (at < 0) return false;
  const scenario = DATA.scenarios[at];
  const run = (name) => scenario.runs.findIndex((one) => one[0] === given.get(name));
  const moved = at !== state.scenario;
  state.scenario = at;
  state.quantity = Object.hasOwn(scenario.q, given.get("quantity")) ? given.get("quantity") : "";
  state.show = given.get("show") === "magnitude" ? "magnitude" : "verdict";
  state.reference = run("reference") >= 0 ? run("reference") : moved ? -1 : state.reference;
  [state.a, state.b] = [run("a"), run("b")];
  if (state.a < 0 || state.b < 0 || state.a === state.b) choosePair();
  return true;
};
const addressOf = (changes) => {
  const wanted = { ...state, ...changes };
  const scenario = DATA.scenarios[wanted.scenario];
  const parts = new URLSearchParams({ scenario: scenario.name });
  for (const name of ["a", "b", "reference"]) if (wanted[name] >= 0) parts.set(name, scenario.runs[wanted[name]][0]);
  if (wanted.quantity) parts.set("quantity", wanted.quantity);
  if (wanted.show !== "verdict") parts.set("show", wanted.show);
  return `#${parts}`;
};
// A switch replaces the address: going back leads to the last pair, not through every position of a switch.
const change = (changes) => {
  Object.assign(state, changes);
  if ("scenario" in changes) {
    state.reference = -1;
    if (!Object.hasOwn(now().q, state.quantity)) state.quantity = "";
    choosePair();
  }
  history.replaceState(null, "", addressOf({}));
  drawAll();
};
